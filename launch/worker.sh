#!/usr/bin/env bash
# What one host of a slice does: install, mount, start, status, follow, stop.
#
# launch/tpu_vm.sh copies this file to every host and calls it there. All that belongs to a run lies
# in the folder of this file: the virtual environment, the log, and what the processes leave.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
umask 077

say() { printf 'worker %s: %s\n' "$(hostname)" "$*"; }

# Exports KEY=VALUE lines as they stand: nothing in them is expanded or executed.
export_environment() {
    local line
    [[ -f $here/environment ]] || return 0
    chmod 600 "$here/environment"
    while IFS= read -r line || [[ -n $line ]]; do
        [[ -z $line || $line == \#* ]] || export "${line?}"
    done <"$here/environment"
}

# The process that looks after the run, if it lives. Its id alone may be another's after a reboot.
supervisor() {
    local pid
    [[ -f $here/pid ]] && pid=$(<"$here/pid") || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$here/worker.sh" || return 1
    printf '%s' "$pid"
}

# install REQUIREMENT DIGEST: a virtual environment with the project, unless it is there.
install() {
    local requirement=$1 digest=$2
    if [[ -f $here/installed && $(<"$here/installed") == "$digest" ]]; then
        say "already installed"
        return
    fi
    if supervisor >/dev/null; then
        say "a run is going on; stop it before another version is installed" >&2
        exit 1
    fi
    # The images' own Python is older than the project's; uv brings one that is new enough.
    export PATH=$HOME/.local/bin:$PATH
    command -v uv >/dev/null ||
        python3 -m pip install --quiet --user uv ||
        python3 -m pip install --quiet --user --break-system-packages uv
    rm -rf "$here/installed" "$here/venv"
    uv venv --quiet --python '>=3.11,<3.14' "$here/venv"
    (cd "$here" && uv pip install --quiet --python "$here/venv/bin/python" "$requirement")
    printf '%s' "$digest" >"$here/installed"
    say "installed $requirement"
}

# mount BUCKET FOLDER: the bucket as a folder.
mount_bucket() {
    local bucket=$1 folder=$2 source keyring=/usr/share/keyrings/cloud.google.asc
    local list=/etc/apt/sources.list.d/gcsfuse.list service=()
    printf '%s' "$folder" >"$here/folder"
    if mountpoint -q "$folder"; then
        say "$folder is already mounted"
        return
    fi
    # https://cloud.google.com/storage/docs/cloud-storage-fuse/install
    if ! command -v gcsfuse >/dev/null; then
        source="deb [signed-by=$keyring] https://packages.cloud.google.com/apt"
        source="$source gcsfuse-$(lsb_release -c -s) main"
        curl -fsS https://packages.cloud.google.com/apt/doc/apt-key.gpg |
            sudo tee "$keyring" >/dev/null
        echo "$source" | sudo tee "$list" >/dev/null
        sudo chmod a+r "$keyring" "$list" # apt reads them as a user of its own
        sudo apt-get update -q
        # A fresh machine may still be running its own updates.
        sudo apt-get install -q -y -o DPkg::Lock::Timeout=600 gcsfuse
    fi
    # Where the bucket is not mounted nobody can write: nothing lands on the local disk instead.
    sudo mkdir -p "$folder"
    sudo chown root:root "$folder"
    sudo chmod 000 "$folder"
    # As part of this session it would end with the run when the machine shuts down, and the last
    # checkpoint with it. As a service it ends after all sessions and before the network.
    if systemctl --quiet is-active systemd-user-sessions.service 2>/dev/null; then
        service=(systemd-run --quiet --collect --service-type=forking
            --property=Before=systemd-user-sessions.service
            --property=After=network-online.target)
    fi
    # Hosts write checkpoints together, so each must see at once what another has written; and a
    # finished checkpoint is a renamed folder.
    # https://cloud.google.com/storage/docs/cloud-storage-fuse/cli-options
    sudo "${service[@]}" gcsfuse -o allow_other --uid="$(id -u)" --gid="$(id -g)" \
        --implicit-dirs --metadata-cache-ttl-secs=0 --metadata-cache-negative-ttl-secs=0 \
        --rename-dir-limit=200000 "$bucket" "$folder"
    say "mounted gs://$bucket at $folder"
}

# start ARGUMENT...: granite-fc with these arguments, detached; never twice.
start() {
    local pid
    exec 9>"$here/lock"
    flock 9
    if pid=$(supervisor); then
        if printf '%s\0' "$@" | cmp -s - "$here/command"; then
            say "already running as process $pid; not started again"
            return
        fi
        say "process $pid is running another command; stop it first" >&2
        exit 1
    fi
    printf '%s\0' "$@" >"$here/command"
    rm -f "$here/status" "$here/stopped"
    touch "$here/log"
    stat -c %s "$here/log" >"$here/offset"
    setsid bash "$here/worker.sh" supervise </dev/null >>"$here/log" 2>&1 9>&- &
    printf '%s' "$!" >"$here/pid"
    say "started as process $!"
}

# Runs the command and writes down how it ended.
supervise() {
    local child status=0 command=() folder
    mapfile -d '' -t command <"$here/command"
    export_environment
    printf -- '--- %s: started\n' "$(date -u +%FT%TZ)"
    "$here/venv/bin/granite-fc" "${command[@]}" &
    child=$!
    trap 'kill -TERM "$child" 2>/dev/null || true' TERM
    while :; do
        status=0
        wait "$child" || status=$?
        kill -0 "$child" 2>/dev/null || break # else a signal ended the waiting
    done
    printf -- '--- %s: ended with status %s\n' "$(date -u +%FT%TZ)" "$status"
    # The log outlives the machine.
    if [[ -f $here/folder ]] && folder=$(<"$here/folder") && mountpoint -q "$folder"; then
        folder=$folder/logs/$(basename "$here")
        mkdir -p "$folder" && cp "$here/log" "$folder/$(hostname).log" || true
    fi
    printf '%s' "$status" >"$here/status.new"
    mv "$here/status.new" "$here/status"
}

# One line that the launcher reads.
status() {
    local state=absent code=null stopped=false
    if supervisor >/dev/null; then
        state=running
    elif [[ -f $here/status ]]; then
        state=ended
        code=$(<"$here/status")
    elif [[ -f $here/pid ]]; then
        state=lost
    fi
    [[ ! -f $here/stopped ]] || stopped=true
    printf 'GRANITE_FC {"worker": "%s", "state": "%s", "exit": %s, "stopped": %s}\n' \
        "$(hostname)" "$state" "$code" "$stopped"
}

# follow LINES|all|+SHOWN: the log's last lines, or all since the start, or all since then but those
# that have been shown; and what is added until the end. Each line with a mark before it.
follow() {
    local pid from=(-n "$1") edit=(-e 's/^/|/')
    [[ -f $here/log ]] || { say "nothing has been started" && return; }
    [[ $1 != all && $1 != +* ]] || from=(-c "+$(($(<"$here/offset") + 1))")
    [[ $1 != +[1-9]* ]] || edit=(-e "1,${1#+}d" "${edit[@]}")
    if pid=$(supervisor); then
        from+=(-s 0.2 -F --pid="$pid")
    fi
    tail "${from[@]}" "$here/log" | sed --unbuffered "${edit[@]}"
}

# stop SECONDS: SIGTERM, at which a checkpoint is written; SIGKILL after so many seconds.
stop() {
    local pid deadline=$((SECONDS + $1))
    pid=$(supervisor) || { say "not running" && return; }
    touch "$here/stopped"
    kill -TERM "$pid"
    while supervisor >/dev/null; do
        if ((SECONDS >= deadline)); then
            kill -KILL -- "-$pid"
            printf 137 >"$here/status"
            say "killed after $1 s"
            return
        fi
        sleep 0.2
    done
    say "stopped with status $(<"$here/status")"
}

main() {
    local verb=$1
    shift
    case $verb in
        install) install "$@" ;;
        mount) mount_bucket "$@" ;;
        start) start "$@" ;;
        supervise) supervise ;;
        status) status ;;
        follow) follow "$@" ;;
        stop) stop "$@" ;;
        *)
            say "unknown verb $verb" >&2
            exit 2
            ;;
    esac
}

# On one line: this file may be replaced while it runs, and nothing of it is read after this.
main "$@"; exit
