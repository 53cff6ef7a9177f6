# What somebody does who has broken into the application, or is the agent's user: all that may be written is rewritten,
# again and again, so that root finds something else there than a moment before. Arguments: the application's folder,
# and a folder of root's that is to be reached.

cd "$1" || exit 1
outside=$2

# Whoever may read a file may lock it, and a folder as well (flock(2)).
for path in . .vawsum .vawsum/deploys .vawsum/deploys/* releases releases/* shared current/.; do
    flock --exclusive "$path" sleep 120 &
done

while :; do
    for place in shared/uploads releases/*/storage; do
        [ -d "$place" ] || continue
        # A folder, a link out, a pipe, a second name of a file, and names that nobody likes.
        mkdir -p "$place/deep/er" "$place/.vawsum/deploys" "$place/aside"
        touch "$place/deep/er/file"
        mv -T "$place/deep/er" "$place/aside/er" && ln -s "$outside" "$place/deep/er"
        ln -f "$place/aside/er/file" "$place/aside/second"
        ln "$outside/secret" "$place/aside/hard"
        mkfifo "$place/aside/pipe"
        ln -sfn "$outside" "$place/out"
        touch "$place/$(printf 'a\nb\033[2J')"
        rm -f "$place/deep/er" && rm -rf "$place/deep" "$place/aside"
    done
    # What root is about to make or look at, in a folder that is not root's alone.
    mv -T shared/uploads shared/aside && ln -s "$outside" shared/uploads
    rm -f shared/uploads && mv -T shared/aside shared/uploads
    mkdir -p shared/cache && rmdir shared/cache && mkfifo shared/cache
    rm -f shared/cache && ln -s "$outside" shared/cache && rm -f shared/cache
done
