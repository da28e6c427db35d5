# Names of accounts, domains, …: where a verb that takes one is followed by the word to complete.
_roostctl_with_names() {
    local word=${COMP_WORDS[COMP_CWORD]} noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]}
    if [[ $COMP_CWORD -eq 3 && $word != -* ]]; then
        case $noun/$verb in
            mailbox/import) noun=account ;&
            account/show | account/set | account/set-password | account/rename | account/delete | \
            domain/show | domain/set | domain/delete | \
            list/show | list/set | list/add | list/remove | list/rename | list/delete | \
            alias/show | alias/delete | \
            cos/show | cos/set | cos/rename | cos/delete | \
            server/show | server/set | server/delete | \
            queue/show | queue/retry | queue/hold | queue/release | queue/delete)
                COMPREPLY=($(compgen -W "$(roostctl "$noun" list -q 2>/dev/null)" -- "$word"))
                return
                ;;
            alerts/acknowledge | alerts/silence)
                COMPREPLY=($(compgen -W "$(roostctl alerts rules -q 2>/dev/null)" -- "$word"))
                return
                ;;
            stats/chart)
                local IFS=$'\n'
                COMPREPLY=($(compgen -W "$(roostctl stats list -q 2>/dev/null)" -- "$word"))
                return
                ;;
        esac
    fi
    _roostctl "$@"
}
complete -F _roostctl_with_names -o nosort -o bashdefault -o default roostctl
