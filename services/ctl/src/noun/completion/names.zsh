# Names of accounts, domains, …: where a verb that takes one is followed by the word to complete.
_roostctl_with_names() {
    local noun=$words[2] verb=$words[3]
    if [[ $CURRENT -eq 4 && $words[4] != -* ]]; then
        case $noun/$verb in
            mailbox/import) noun=account ;&
            account/(show|set|set-password|rename|delete) | domain/(show|set|delete) | \
            list/(show|set|add|remove|rename|delete) | alias/(show|delete) | \
            cos/(show|set|rename|delete) | server/(show|set|delete) | \
            queue/(show|retry|hold|release|delete))
                compadd -- ${(f)"$(roostctl $noun list -q 2>/dev/null)"}
                return
                ;;
            alerts/(acknowledge|silence))
                compadd -- ${(f)"$(roostctl alerts rules -q 2>/dev/null)"}
                return
                ;;
            stats/chart)
                compadd -- ${(f)"$(roostctl stats list -q 2>/dev/null)"}
                return
                ;;
        esac
    fi
    _roostctl "$@"
}
compdef _roostctl_with_names roostctl
