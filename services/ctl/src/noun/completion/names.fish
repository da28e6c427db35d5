# Names of accounts, domains, …: where a verb that takes one is followed by the word to complete.
function __roostctl_takes_name
    set -l words (commandline -opc)
    test (count $words) -eq 3; and test "$words[2]" = $argv[1]; and contains -- "$words[3]" $argv[2..]
end
complete -c roostctl -f -n '__roostctl_takes_name account show set set-password rename delete' -a '(roostctl account list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name mailbox import' -a '(roostctl account list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name domain show set delete' -a '(roostctl domain list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name list show set add remove rename delete' -a '(roostctl list list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name alias show delete' -a '(roostctl alias list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name cos show set rename delete' -a '(roostctl cos list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name server show set delete' -a '(roostctl server list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name queue show retry hold release delete' -a '(roostctl queue list -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name alerts acknowledge silence' -a '(roostctl alerts rules -q 2>/dev/null)'
complete -c roostctl -f -n '__roostctl_takes_name stats chart' -a '(roostctl stats list -q 2>/dev/null)'
