#!/bin/sh
# Start a daemon of the cluster, JupyterLab, or a command of neo_utils.

# Give a name to users without one, such as that of `docker run --user "$(id -u)"`. Python reads it
# from the environment; the Dockerfile explains how Java gets it.
if ! getent passwd "$(id -u)" > /dev/null; then
  echo "neo:x:$(id -u):$(id -g)::$HOME:/bin/sh" > /tmp/.passwd
  export LOGNAME=neo NSS_WRAPPER_PASSWD=/tmp/.passwd NSS_WRAPPER_GROUP=/etc/group
fi

case $1 in
  master | worker | history-server) exec python -m neo_utils.cluster.daemons "$1" ;;
  lab)
    export JUPYTER_CONFIG_PATH="$PWD/neo_utils/run/jupyter" # as in neo_utils/run/commands.py
    exec jupyter lab --config neo_utils/cluster/lab.py
    ;;
  *) exec python -m neo_utils "$@" ;;
esac
