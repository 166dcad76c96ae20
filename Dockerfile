# One image for every role: master, worker, history server, JupyterLab with the driver, single runs.
# Python, Java, Spark and the packages are therefore identical for all parts of a job.
# The versions of Python and Debian are pinned; a new build includes fixes to both. For identical
# bytes: `--build-arg BASE=python@sha256:...`, as shown by `docker buildx imagetools inspect`.
ARG BASE=python:3.11-slim-bookworm

FROM $BASE AS packages
COPY requirements-build.lock .
RUN pip install --quiet --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY requirements.lock .
# Trust the same certificate authorities as pip; uv has its own list.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt UV_CACHE_DIR=/var/cache/uv
# PySpark is built with the locked packages of /opt/venv; the last command then removes these.
# Compile now: on a read-only file system, Python would compile at each start.
RUN --mount=type=cache,target=/var/cache/uv \
    uv venv --quiet /opt/venv \
 && uv pip sync --quiet --python /opt/venv --require-hashes requirements-build.lock \
 && uv pip sync --quiet --python /opt/venv --require-hashes --no-build-isolation \
      --link-mode copy --compile-bytecode requirements.lock
# Remove a tenth of Spark that a standalone cluster never loads: Kubernetes and streaming state.
RUN cd /opt/venv/lib/python3.11/site-packages/pyspark/jars \
 && rm -r kubernetes-* spark-kubernetes_* rocksdbjni-*

FROM $BASE
# Gives a name to users without one; see docker-entrypoint.sh.
RUN apt-get update --quiet=2 \
 && apt-get install --quiet=2 --yes --no-install-recommends libnss-wrapper \
 && rm -rf /var/lib/apt/lists/*
# New volumes inherit the owner of the folder that they are mounted on.
RUN useradd --uid 10001 --user-group --home-dir /tmp --no-create-home neo \
 && mkdir --parents /neo/build /neo/output /neo/work /var/lib/neo/events /var/lib/neo/scratch \
 && mkdir --mode 700 /var/lib/neo/secret /var/lib/neo/lab /var/lib/neo/master \
 && chown --recursive neo:neo /neo /var/lib/neo \
 && chmod 1777 /neo/build \
 && ln -s /tmp/.env /neo/.env
COPY --from=packages /opt/venv /opt/venv
WORKDIR /neo
# HOME is the only folder that every user can write to, even on a read-only file system.
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/neo PYTHONUNBUFFERED=1 HOME=/tmp JAVA_HOME=/opt/java
COPY docker-entrypoint.sh /usr/local/bin/
COPY parameters parameters
COPY notebooks notebooks
COPY neo_utils neo_utils
# Write the start script of the packages' Java now: at run time its folder may be read-only.
RUN python -m compileall -q neo_utils \
 && ln -s "$(JAVA_HOME= python -c 'from neo_utils.engines.java import *; print(java_home())')" /opt/packages-java
# Java rejects a user without a name; docker-entrypoint.sh creates one. Only Java loads the library
# that provides it: in Python, ZeroMQ threads may still call the library at exit, which crashes.
RUN mkdir --parents /opt/java/bin \
 && printf '%s\n' '#!/bin/sh' '[ -z "$NSS_WRAPPER_PASSWD" ] || export LD_PRELOAD=libnss_wrapper.so' \
      'exec /opt/packages-java/bin/java "$@"' > /opt/java/bin/java \
 && chmod 755 /opt/java/bin/java
USER 10001:10001
# Python and Java handle SIGINT as Ctrl-C and shut down cleanly; as PID 1 they would ignore SIGTERM.
STOPSIGNAL SIGINT
# For single runs: check that results can be stored. The cluster's services have their own checks.
HEALTHCHECK CMD test -w /neo/output
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["--help"]
