# MariaDB's server on /pmem. $task says what is to be done, $commits how many rows are written one
# by one. Lines for the harness begin with "mariadb:".
tell() { echo "mariadb: $*"; }
failed() {
    tail -n 12 /tmp/log
    tell "failed $*"
    end exit 1
}
client() { mariadb --no-defaults --socket=/run/mariadb --batch --skip-column-names "$@"; }
# In a shell of its own, whose place it takes.
server() {
    exec mariadbd --no-defaults --user=root --datadir=/pmem/data --skip-grant-tables --skip-networking \
        --socket=/run/mariadb --innodb-flush-log-at-trx-commit=1 --innodb-log-file-size=4M \
        --innodb-buffer-pool-size=8M --innodb-data-file-path=ibdata1:12M:autoextend \
        --innodb-autoextend-increment=1 "$@" > /tmp/log 2>&1
}
# Until it answers.
start() {
    server &
    started=$!
    until [ -S /run/mariadb ] && client -e 'DO 1' 2> /dev/null; do
        [ -d /proc/$started ] || failed "the server does not start"
        usleep 100000
    done
}

cd /tmp
case $task in
prepare)
    mkdir /pmem/data
    printf '%s;\n' 'CREATE DATABASE d' 'CREATE TABLE d.t (a INT PRIMARY KEY) ENGINE=InnoDB' |
        server --bootstrap || failed "no data directory could be made"
    umount /pmem || failed "/pmem is in use"
    ;;
commit)
    start
    tell "said $(grep -m 1 -o 'log sequence number.*;' /tmp/log)"
    tell "flags $(grep -A 30 ' /pmem/data/ib_logfile0' /proc/$started/smaps | grep -m 1 VmFlags)"
    tell "version $(client -e 'SELECT VERSION()')"
    # The client goes on to the next statement when it has the server's answer.
    {
        echo '\! kpmem-mark begin'
        for row in $(seq $commits); do
            echo "INSERT INTO d.t VALUES ($row);"
            echo '\! kpmem-mark point'
        done
        echo '\! kpmem-mark end'
    } > /tmp/statements
    client --unbuffered < /tmp/statements || failed "a commit was refused"
    tell "committed"
    ;;
recover)
    start
    tell "rows $(client -e 'SELECT a FROM d.t ORDER BY a' | tr '\n' ' ')"
    tell "check $(client -e 'CHECK TABLE d.t' | tr '\t' ' ')"
    ;;
esac
end exit 0
