using System.Globalization;
using Hopseal.Smtp.Tls;
using Hopseal.Smtp.Wire;
using Spectre.Console;

namespace Hopseal.Commands.Demo;

/// <summary>How the demo looks: headings, dialogues, the proof. It shows what it is given and decides nothing.</summary>
sealed class DemoScreen(IAnsiConsole console)
{
    public void Title(string title, string route)
    {
        console.WriteLine();
        console.Write(new Panel(new Markup($"[bold]{Markup.Escape(title)}[/]\n[green]{Markup.Escape(route)}[/]"))
        {
            Border = BoxBorder.Rounded,
            Padding = new Padding(2, 0),
        });
    }

    public void Step(string heading, string explanation)
    {
        console.WriteLine();
        console.Write(new Rule($"[bold]{Markup.Escape(heading)}[/]") { Justification = Justify.Left });
        console.MarkupLine($"[grey]{Markup.Escape(explanation)}[/]");
        console.WriteLine();
    }

    public void Dialogue(Transcript transcript, string client, string server)
    {
        foreach (var line in transcript.Lines)
        {
            console.MarkupLine(line.Speaker switch
            {
                Speaker.Client => $"  [blue]{Markup.Escape(client),-9}[/] [blue]→[/] {Markup.Escape(line.Text)}",
                Speaker.Server => $"  [yellow]{Markup.Escape(server),-9}[/] [yellow]←[/] {Markup.Escape(line.Text)}",
                Speaker.Event => $"            [green]{Markup.Escape(line.Text)}[/]",
            });
        }
    }

    public void Plan(string text)
    {
        foreach (var line in text.TrimEnd().Split('\n'))
        {
            console.MarkupLine($"  {Markup.Escape(line)}");
        }
    }

    public void Proof(params HopProof[] hops)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("");
        foreach (var hop in hops)
        {
            table.AddColumn(new TableColumn($"[bold]{Markup.Escape(hop.Name)}[/]"));
        }

        void Row(string name, Func<HopProof, string> cell) =>
            table.AddRow([$"[grey]{name}[/]", .. hops.Select(hop => Markup.Escape(cell(hop)))]);
        Row("began with", hop => hop.Began);
        Row("version", hop => hop.Tls.Version);
        Row("cipher", hop => hop.Tls.CipherSuite);
        Row("certificate of", hop => hop.Certificate is { } shown ? string.Join(", ", shown.Names) : "nobody");
        Row("issued by", hop => hop.Certificate?.Issuer ?? "");
        Row("valid until", hop => hop.Certificate?.NotAfter.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "");
        Row("SHA-256", hop => hop.Certificate is { } shown ? $"{shown.Sha256[..32]}\n{shown.Sha256[32..]}" : "");
        Row("handshake", hop => string.Create(CultureInfo.InvariantCulture, $"{hop.Tls.Handshake.TotalMilliseconds:0.0} ms"));
        Row("required", hop => hop.Required.ToString().ToLowerInvariant());
        Row("reached", hop => Reached(hop.Tls));
        console.Write(table);
    }

    public void Seen(string who, IEnumerable<string> lines)
    {
        console.MarkupLine($"  [red]{Markup.Escape(who)}[/]");
        foreach (var line in lines)
        {
            console.MarkupLine($"    [red]│[/] {Markup.Escape(line)}");
        }
    }

    public void Say(string text) => console.MarkupLine("  " + Markup.Escape(text));

    public void Check(bool holds, string text) =>
        console.MarkupLine($"  {(holds ? "[green]✓[/]" : "[red]✗[/]")} {Markup.Escape(text)}");

    static string Reached(TlsOutcome.Encrypted tls) => tls.Identity switch
    {
        PeerIdentity.Unauthenticated => "encrypted",
        PeerIdentity.Pkix => "authenticated (PKIX)",
        PeerIdentity.DaneTa => "authenticated (DANE-TA)",
        PeerIdentity.DaneEe => "authenticated (DANE-EE)",
        PeerIdentity.Pinned => "authenticated (pinned)",
    };
}

/// <summary>One hop, as it can be shown afterwards.</summary>
/// <param name="Certificate">The server's certificate, as its client saw it.</param>
sealed record HopProof(string Name, string Began, TlsOutcome.Encrypted Tls, PeerCertificate? Certificate, SecurityFloor Required);
