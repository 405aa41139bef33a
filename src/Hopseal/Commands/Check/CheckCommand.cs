using System.Collections.Immutable;
using System.CommandLine;
using System.Net;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Profiles;
using Hopseal.Audit.Targets;

namespace Hopseal.Commands.Check;

/// <summary><c>hopseal check</c>: audits domains and hosts from outside.</summary>
static class CheckCommand
{
    const int DnsPort = 53;

    public static Command Create(Terminal terminal)
    {
        var targets = new Argument<string[]>("TARGET") { Description = "A domain, host:port, or scheme://host with smtp, submission, smtps, imap, imaps, pop3, pop3s or sieve.", Arity = ArgumentArity.ZeroOrMore };
        var file = new Option<string?>("--file", "-f") { Description = "A list of targets, one in each line.", HelpName = "FILE" };
        var profile = new Option<string>("--profile") { Description = $"What it is judged by: {string.Join(", ", Profile.BuiltIn)}, or a JSON file.", DefaultValueFactory = _ => Profile.Default, HelpName = "NAME" };
        var format = new Option<CheckFormat>("--format") { Description = "text, json, jsonlines, csv, html, junit, sarif or prometheus.", DefaultValueFactory = _ => CheckFormat.Text };
        var json = new Option<bool>("--json") { Description = "The same as --format json." };
        var output = new Option<string?>("--output", "-o") { Description = "Write there instead of to standard output.", HelpName = "FILE" };
        var resume = new Option<bool>("--resume") { Description = "Go on with a jsonlines output file: targets that are in it already are left out." };
        var failOn = new Option<CheckThreshold>("--fail-on") { Description = "fail, warn or never: from which verdict on the exit code is 1.", DefaultValueFactory = _ => CheckThreshold.Fail };
        var deep = new Option<bool>("--deep") { Description = "Every suite and group: up to 40 connections to an address instead of 10." };
        var all = new Option<bool>("--all") { Description = "Also what is fine, with its evidence." };
        var connections = new Option<int?>("--connections") { Description = "Most connections to one address.", HelpName = "N" };
        var pause = new Option<double>("--pause") { Description = "Seconds between two connections to one address.", HelpName = "S" };
        var patience = new Option<double>("--patience") { Description = "Seconds to wait for a greeting.", DefaultValueFactory = _ => 60, HelpName = "S" };
        var parallel = new Option<int>("--parallel") { Description = "Addresses asked at a time, each in a network (/24, /64) of its own.", DefaultValueFactory = _ => 256, HelpName = "N" };
        var ehlo = new Option<string?>("--ehlo") { Description = "Our name in EHLO; without: the name of this machine.", HelpName = "NAME" };
        var leaveOut = new Option<string?>("--do-not-scan") { Description = "A list of domains, addresses and networks that are not asked.", HelpName = "FILE" };
        var config = new Option<string?>("--config", "-c") { Description = "Take resolver and authorities from a gateway's configuration.", HelpName = "FILE" };
        var resolver = new Option<string?>("--resolver") { Description = "A DNS server to ask instead; what DNSSEC proves is believed from this machine only.", HelpName = "ADDRESS[:PORT]" };
        var ca = new Option<string?>("--ca") { Description = "PEM file of an authority to trust besides the system's.", HelpName = "FILE" };
        var rescore = new Option<string?>("--rescore") { Description = "Ask nobody: judge a stored json or jsonlines output anew.", HelpName = "FILE" };
        var diff = new Option<string?>("--diff") { Description = "Tell what changed since a stored json or jsonlines output.", HelpName = "FILE" };
        var command = new Command("check", "Audits how mail servers do STARTTLS, DANE and MTA-STS: confidential, authenticated, watched?")
        {
            targets, file, profile, format, json, output, resume, failOn, deep, all, connections, pause, patience, parallel, ehlo, leaveOut, config, resolver, ca, rescore, diff,
        };
        command.SetAction((parsed, cancel) =>
        {
            var isDeep = parsed.GetValue(deep);
            return new CheckRun(terminal, new CheckRequest
            {
                Targets = [.. (parsed.GetValue(targets) ?? []).Select(Target)],
                List = parsed.GetValue(file),
                Profile = Profiles(parsed.GetRequiredValue(profile), terminal),
                Format = parsed.GetValue(json) ? CheckFormat.Json : parsed.GetValue(format),
                Output = parsed.GetValue(output),
                Resume = parsed.GetValue(resume),
                FailOn = parsed.GetValue(failOn),
                Deep = isDeep,
                Everything = parsed.GetValue(all),
                Connections = Within(parsed.GetValue(connections) ?? (isDeep ? 40 : 10), 1, 200, "--connections"),
                Pause = TimeSpan.FromSeconds(Within(parsed.GetValue(pause), 0, 3600, "--pause")),
                Patience = TimeSpan.FromSeconds(Within(parsed.GetValue(patience), 1, 300, "--patience")),
                Parallel = Within(parsed.GetValue(parallel), 1, 2000, "--parallel"),
                Ehlo = parsed.GetValue(ehlo),
                LeaveOut = parsed.GetValue(leaveOut),
                Configuration = parsed.GetValue(config),
                Resolver = parsed.GetValue(resolver) is { } server ? Server(server) : null,
                Authority = parsed.GetValue(ca),
                Rescore = parsed.GetValue(rescore),
                Before = parsed.GetValue(diff),
            }).RunAsync(cancel);
        });
        return command;
    }

    public static AuditTarget Target(string text) =>
        AuditTarget.TryParse(text, out var target, out var why) ? target : throw new UsageException($"{Configuration.Shown.Text(text)} cannot be checked: {why}");

    static IPEndPoint Server(string text) => Configuration.EndpointText.Parse(text, DnsPort) is { Port: not 0 } endpoint
        ? endpoint
        : throw new UsageException($"--resolver: {Configuration.Shown.Text(text)} is not an address, such as 127.0.0.1 or [::1]:5353");

    static T Within<T>(T value, T least, T most, string option)
        where T : IComparable<T> =>
        value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0 ? value : throw new UsageException($"{option} is from {least} to {most}");

    static Profile Profiles(string name, Terminal terminal)
    {
        if (Profile.BuiltIn.Contains(name))
        {
            return Profile.Named(name);
        }

        try
        {
            return Profile.Parse(File.ReadAllText(Path.Combine(terminal.Directory, name)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new UsageException($"profile {name}: {e.Message}; built in are {string.Join(", ", Profile.BuiltIn)}");
        }
    }
}

enum CheckThreshold
{
    Fail,
    Warn,
    Never,
}

/// <summary>What is asked of one run.</summary>
sealed record CheckRequest
{
    public required ImmutableArray<AuditTarget> Targets { get; init; }

    public string? List { get; init; }

    public required Profile Profile { get; init; }

    public CheckFormat Format { get; init; }

    public string? Output { get; init; }

    public bool Resume { get; init; }

    public CheckThreshold FailOn { get; init; }

    public bool Deep { get; init; }

    public bool Everything { get; init; }

    public int Connections { get; init; }

    public TimeSpan Pause { get; init; }

    public TimeSpan Patience { get; init; }

    public int Parallel { get; init; }

    public string? Ehlo { get; init; }

    public string? LeaveOut { get; init; }

    public string? Configuration { get; init; }

    /// <summary>Instead of the configuration's or the system's.</summary>
    public IPEndPoint? Resolver { get; init; }

    /// <summary>A file of certificates, besides the configuration's.</summary>
    public string? Authority { get; init; }

    public string? Rescore { get; init; }

    public string? Before { get; init; }

    /// <summary>The exit code of a run, from the worst verdict and whether anything is not known.</summary>
    public int ExitCodeOf(Verdict worst, bool unknown) => (FailOn, worst) switch
    {
        (not CheckThreshold.Never, Verdict.Fail) => ExitCode.No,
        (CheckThreshold.Warn, Verdict.Warn) => ExitCode.No,
        _ => unknown ? ExitCode.Unknown : ExitCode.Done,
    };
}
