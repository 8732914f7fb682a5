using System.CommandLine;
using Spectre.Console;
using TinyMllm.Cli.Support;
using TinyMllm.Loaders.Hub;

namespace TinyMllm.Cli.Commands;

/// <summary><c>list</c>: what is in the cache, and the short names that <c>pull</c> knows.</summary>
internal sealed class ListCommand : CliCommand
{
    private readonly Option<bool> _available = new("--available") { Description = "Show the short names that pull knows instead." };

    public ListCommand(Terminal terminal, Interrupts interrupts)
        : base("list", "Show the models in the cache.", terminal, interrupts)
    {
        Aliases.Add("ls");
        Add(_available);
    }

    public override IReadOnlyList<string> Examples => ["tinymllm list", "tinymllm list --available"];

    public override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_available)) ShowCatalog();
        else ShowCache();
        return Task.FromResult(ExitCodes.Success);
    }

    private void ShowCatalog()
    {
        Table table = Terminal.NewTable("name", "repository", "about");
        foreach (HubCatalog.Entry entry in HubCatalog.Entries)
            table.AddRow(Markup.Escape(entry.Name), Markup.Escape(entry.Reference.ToString()), Markup.Escape(entry.About));
        Terminal.OutConsole.Write(table);
    }

    private void ShowCache()
    {
        using var hub = new HubDownloader();
        IReadOnlyList<HubCache.Entry> entries = hub.Cache.List();
        if (entries.Count == 0)
        {
            Terminal.Note("no models here yet; tinymllm pull smolvlm:256m gets a small one, tinymllm list --available names more");
            return;
        }

        Table table = Terminal.NewTable("model", "file", "size");
        foreach (HubCache.Entry entry in entries)
        {
            foreach (HubFile file in entry.Files)
            {
                    table.AddRow(Markup.Escape(new HubReference(entry.Repository, null, entry.Revision).ToString()), Markup.Escape(file.Path),
                        Sizes.Bytes(file.Size));
            }
        }

        Terminal.OutConsole.Write(table);
    }
}
