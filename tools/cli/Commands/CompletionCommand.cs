using System.CommandLine;
using TinyMllm.Cli.Support;

namespace TinyMllm.Cli.Commands;

/// <summary><c>completion SHELL</c>: prints the script that makes a shell complete tinymllm's arguments by asking tinymllm
/// itself.</summary>
internal sealed class CompletionCommand : CliCommand
{
    private const string Bash = """
        _tinymllm() {
            local IFS=$'\n' word="${COMP_LINE:0:COMP_POINT}" i
            word="${word##* }"
            COMPREPLY=($(tinymllm "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null))
            if [[ "$word" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
                # For bash a word begins behind the colon of smolvlm:256m.
                for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#"${word%:*}:"}"; done
            fi
            [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
        }
        complete -F _tinymllm tinymllm
        """;

    private const string Zsh = """
        #compdef tinymllm
        _tinymllm() {
            local -a found
            found=("${(@f)$(tinymllm "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
        }
        if [[ "${funcstack[1]}" == _tinymllm ]]; then _tinymllm "$@"; else compdef _tinymllm tinymllm; fi
        """;

    private const string Fish = """
        complete -c tinymllm -a '(tinymllm "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName tinymllm -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            tinymllm "[suggest:$cursorPosition]" "$commandAst" 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    private readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh, fish or powershell.", HelpName = "SHELL" };

    public CompletionCommand(Terminal terminal, Interrupts interrupts)
        : base("completion", "Print a script for shell completion.", terminal, interrupts)
    {
        _shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "powershell");
        Add(_shell);
    }

    public override IReadOnlyList<string> Examples =>
    [
        "source <(tinymllm completion bash)",
        "tinymllm completion zsh > ~/.zfunc/_tinymllm",
        "tinymllm completion fish > ~/.config/fish/completions/tinymllm.fish",
        "tinymllm completion powershell | Out-String | Invoke-Expression",
    ];

    public override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Terminal.Out.WriteLine(parsed.GetRequiredValue(_shell) switch
        {
            "bash" => Bash,
            "zsh" => Zsh,
            "fish" => Fish,
            _ => PowerShell,
        });
        return Task.FromResult(ExitCodes.Success);
    }
}
