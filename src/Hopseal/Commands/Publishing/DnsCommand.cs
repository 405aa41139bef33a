using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hopseal.Configuration;
using Hopseal.Dns;
using Hopseal.Policy.TlsRpt;

namespace Hopseal.Commands.Publishing;

/// <summary><c>hopseal dns</c>: the records to publish for a domain of ours, and what is different in those that are published.</summary>
static class DnsCommand
{
    public static Command Create(Terminal terminal)
    {
        var domain = new Argument<string>("DOMAIN") { Description = "A domain of ours: one of Domains." };
        var config = ConfigurationArgument.Create();
        var reportTo = new Option<string[]>("--rua")
        {
            Description = "Where other servers send TLS reports: mailto:… or https:…; may be given more than once. Else as TlsReports.Receive says.",
            HelpName = "URI",
        };
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var command = new Command(
            "dns", "Prints the DNS records to publish for a domain, as lines of a zone file, and says what is published otherwise.")
        {
            domain, config, reportTo, json,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var addresses = (parsed.GetValue(reportTo) ?? []).Select(ReportAddress).Distinct().ToImmutableArray();
            var configuration = ConfigurationArgument.Load(parsed.GetRequiredValue(config), terminal);
            var name = OwnDomain(parsed.GetRequiredValue(domain), configuration);
            var resolver = ConfigurationArgument.Resolver(configuration.Dns, terminal);
            var report = await new PublishingInspection(configuration, resolver, terminal.Clock).InspectAsync(name, addresses, cancel);
            if (parsed.GetValue(json))
            {
                await terminal.Out.WriteLineAsync(JsonSerializer.Serialize(report, PublishingJson.Default.PublishingReport));
            }
            else
            {
                Write(report, terminal);
            }

            return report.ExitCode;
        });
        return command;
    }

    /// <summary>Standard output can be put into a zone; what there is to say goes to standard error.</summary>
    static void Write(PublishingReport report, Terminal terminal)
    {
        foreach (var record in report.Records)
        {
            terminal.Out.WriteLine($"; {record.Purpose}");
            terminal.Out.WriteLine(record.ToString());
        }

        foreach (var difference in report.Differences)
        {
            terminal.Error.WriteLine($"{difference.Owner} {difference.Type}: {Shown.Plain(difference.Detail)}");
        }

        foreach (var unknown in report.Unknown)
        {
            terminal.Error.WriteLine($"cannot be looked up: {Shown.Plain(unknown)}");
        }

        foreach (var note in report.Notes)
        {
            terminal.Error.WriteLine($"note: {Shown.Plain(note)}");
        }

        terminal.Error.WriteLine((report.Differences.Length, report.Unknown.IsEmpty) switch
        {
            (0, true) => $"{report.Domain}: published as wanted",
            (0, false) => $"{report.Domain}: not everything could be looked up",
            (1, _) => $"{report.Domain}: 1 difference",
            (var count, _) => $"{report.Domain}: {count} differences",
        });
    }

    static DomainName OwnDomain(string text, GatewayConfiguration configuration)
    {
        if (!DomainName.TryParse(text, out var name) || !DomainName.TryParse($"_smtp._tls.{name}", out _))
        {
            throw new UsageException($"{Shown.Text(text)} is not a domain name");
        }

        return configuration.Domains.Any is not null || configuration.Domains.Domains.ContainsKey(name)
            ? name
            : throw new UsageException($"{name} is none of the Domains of the configuration");
    }

    static ReportTarget ReportAddress(string text) => ReportTarget.TryParse(text, out var target, out var why)
        ? target
        : throw new UsageException($"{Shown.Text(text)} is not an address for reports, such as mailto:tls-reports@example.org: {why}");
}

/// <summary>Without reflection, and with the names that scripts expect.</summary>
[JsonSerializable(typeof(PublishingReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
sealed partial class PublishingJson : JsonSerializerContext;
