using System.Collections.Immutable;
using System.CommandLine;
using Hopseal.Commands.Queue;
using Hopseal.Configuration;
using Hopseal.Control;
using Hopseal.Dns;
using Hopseal.Monitor.Requiring;
using Hopseal.Parts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Commands.Require;

/// <summary><c>hopseal require add</c>: what somebody says, at once; or what the domain has proved, shown first.</summary>
sealed class RequireAddition
{
    readonly Terminal _terminal;
    readonly QueueAccess _access;
    readonly Argument<string> _domain = RequireCommand.DomainArgument();
    readonly Option<string?> _tls = new("--tls") { Description = "Encrypted or Authenticated. Without: what the domain has proved.", HelpName = "FLOOR" };
    readonly Option<string?> _version = new("--minimum-version") { Description = "1.2 or 1.3; with --tls.", HelpName = "VERSION" };

    readonly Option<string[]> _names = new("--name")
    {
        Description = "A name that a certificate may be for, as in Outbound.Rules[].Names; with --tls Authenticated. May be repeated.",
        HelpName = "NAME",
    };

    readonly Option<string?> _because = new("--because") { Description = "What it rests on, for whoever reads it later.", HelpName = "TEXT" };
    readonly Option<string?> _owner = RequireCommand.OwnerOption();
    readonly Option<bool> _yes = new("--yes") { Description = "Require what it has proved. Without: only show it." };

    public RequireAddition(Terminal terminal)
    {
        _terminal = terminal;
        _access = new QueueAccess(terminal);
        _tls.AcceptOnlyFromAmong(nameof(SecurityFloor.Encrypted), nameof(SecurityFloor.Authenticated));
        _version.AcceptOnlyFromAmong("1.2", "1.3");
        Command = new Command("add", "Requires of a domain what it has proved, or what is said.") { _domain, _tls, _version, _names, _because, _owner, _yes };
        _access.AddTo(Command);
        Command.SetAction(RunAsync);
    }

    public Command Command { get; }

    async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var domain = RequireCommand.Domain(parsed.GetRequiredValue(_domain));
        var (tls, version, names) = (parsed.GetValue(_tls), parsed.GetValue(_version), parsed.GetValue(_names) ?? []);
        if (tls is null && (version is not null || names.Length > 0))
        {
            throw new UsageException("--minimum-version and --name go with --tls");
        }

        var configuration = parsed.GetValue(_access.Configuration) is { } file
            ? ConfigurationArgument.Load(file, _terminal)
            : throw new UsageException("name the gateway's configuration with --config");
        if (Requiring.Refuse(configuration, domain) is { } why)
        {
            throw new UsageException(why);
        }

        var request = ControlRequest.Of(ControlCommand.RequireAdd) with { Domain = domain.Ascii, Owner = parsed.GetValue(_owner) ?? RequireCommand.User(_terminal) };
        if (tls is not null)
        {
            return await DoAsync(parsed, request with
            {
                Tls = Enum.Parse<SecurityFloor>(tls),
                MinimumVersion = version switch { "1.2" => TlsVersion.Tls12, "1.3" => TlsVersion.Tls13, _ => null },
                Names = names,
                Because = parsed.GetValue(_because) ?? "somebody asked for it",
            }, cancel);
        }

        switch (await new ProofSource(_terminal, configuration).FindAsync(domain, cancel))
        {
            case ObservedProof.Nothing nothing:
                await _terminal.Error.WriteLineAsync(Shown.Plain($"hopseal: {domain} has proved nothing that it could be held to: {nothing.Why}"));
                return ExitCode.No;
            case ObservedProof.Demand demand:
                await ShowAsync(domain, demand);
                if (parsed.GetValue(_yes))
                {
                    var because = parsed.GetValue(_because) ?? demand.Reason;
                    return await DoAsync(parsed, request with { Tls = demand.Floor, MinimumVersion = demand.RuleVersion, Names = demand.Names, Because = because }, cancel);
                }

                await _terminal.Error.WriteLineAsync("hopseal: nothing was changed; --yes requires it");
                return ExitCode.No;
            case var unknown:
                throw new InvalidOperationException($"unknown proof {unknown}");
        }
    }

    async Task<int> DoAsync(ParseResult parsed, ControlRequest request, CancellationToken cancel)
    {
        await _access.DoAsync(parsed, request, cancel);
        await _terminal.Error.WriteLineAsync(Shown.Plain(
            $"mail for {request.Domain} has to have {request.Tls} from now on; `hopseal plan {request.Domain}` shows what it needs in all"));
        return ExitCode.Done;
    }

    async Task ShowAsync(DomainName domain, ObservedProof.Demand demand)
    {
        await _terminal.Out.WriteLineAsync($"{domain} has proved:");
        await _terminal.Out.WriteLineAsync($"  Tls             {demand.Floor}");
        await _terminal.Out.WriteLineAsync($"  MinimumVersion  {RequireCommand.Words(demand.MinimumVersion)}");
        if (!demand.Names.IsEmpty)
        {
            await _terminal.Out.WriteLineAsync(Shown.Plain($"  Names           {string.Join(", ", demand.Names)}"));
        }

        foreach (var words in (ImmutableArray<string>)[demand.Reason, .. demand.Remarks])
        {
            await _terminal.Out.WriteLineAsync(Shown.Plain($"  {words}."));
        }
    }
}
