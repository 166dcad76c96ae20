# One image for every role: master, worker, history server, JupyterLab with the driver, single runs.
# So Python, Java, Spark and the packages are the same wherever a part of a job runs.
# Python's and Debian's versions are pinned; mends of both come with a new build. For the very same
# bytes: `--build-arg BASE=python@sha256:...`, as `docker buildx imagetools inspect` tells it.
ARG BASE=python:3.11-slim-bookworm

FROM $BASE AS packages
COPY requirements-build.lock .
RUN pip install --quiet --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY requirements.lock .
# The authorities that pip trusts, too; uv brings a list of its own.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt UV_CACHE_DIR=/var/cache/uv
# PySpark is built with the locked packages of /opt/venv; the second command then removes these.
# Compiled now: where the file system is read-only, Python would compile at each start.
RUN --mount=type=cache,target=/var/cache/uv \
    uv venv --quiet /opt/venv \
 && uv pip sync --quiet --python /opt/venv --require-hashes requirements-build.lock \
 && uv pip sync --quiet --python /opt/venv --require-hashes --no-build-isolation \
      --link-mode copy --compile-bytecode requirements.lock
# A tenth of Spark, which no standalone cluster loads: Kubernetes, and the store of streaming's state.
RUN cd /opt/venv/lib/python3.11/site-packages/pyspark/jars \
 && rm -r kubernetes-* spark-kubernetes_* rocksdbjni-*

FROM $BASE
# Gives a name to users that have none; docker-entrypoint.sh says why.
RUN apt-get update --quiet=2 \
 && apt-get install --quiet=2 --yes --no-install-recommends libnss-wrapper \
 && rm -rf /var/lib/apt/lists/*
# New volumes take over the owner of the folder that they are mounted on.
RUN useradd --uid 10001 --user-group --home-dir /tmp --no-create-home neo \
 && mkdir --parents /neo/build /neo/output /neo/work /var/lib/neo/events /var/lib/neo/scratch \
 && mkdir --mode 700 /var/lib/neo/secret /var/lib/neo/lab /var/lib/neo/master \
 && chown --recursive neo:neo /neo /var/lib/neo \
 && chmod 1777 /neo/build \
 && ln -s /tmp/.env /neo/.env
COPY --from=packages /opt/venv /opt/venv
WORKDIR /neo
# HOME: the one folder that every user, on every read-only file system, can write to.
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/neo PYTHONUNBUFFERED=1 HOME=/tmp JAVA_HOME=/opt/java
COPY docker-entrypoint.sh /usr/local/bin/
COPY parameters parameters
COPY notebooks notebooks
COPY neo_utils neo_utils
# The start script of the packages' Java is written now: at run time its folder may be read-only.
RUN python -m compileall -q neo_utils \
 && ln -s "$(XDG_CACHE_HOME=/opt JAVA_HOME= python -c 'from neo_utils.engines.java import *; print(java_home())')" /opt/packages-java
# Java refuses a user without a name; docker-entrypoint.sh has made one. For Java alone: in Python,
# the names' library is torn down at the end while a thread of ZeroMQ may still ask it, and crashes.
RUN mkdir --parents /opt/java/bin \
 && printf '%s\n' '#!/bin/sh' '[ -z "$NSS_WRAPPER_PASSWD" ] || export LD_PRELOAD=libnss_wrapper.so' \
      'exec /opt/packages-java/bin/java "$@"' > /opt/java/bin/java \
 && chmod 755 /opt/java/bin/java
USER 10001:10001
# Python and Java take it for Ctrl-C and end in good order; as first process they would not hear TERM.
STOPSIGNAL SIGINT
# Of a single run: what it finds can be stored. The cluster's services have checks of their own.
HEALTHCHECK CMD test -w /neo/output
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["--help"]
