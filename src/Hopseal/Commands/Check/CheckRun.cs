using System.Collections.Immutable;
using System.Threading.Channels;
using Hopseal.Audit;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Commands.Check;

/// <summary>Audits the targets of a run, some at a time, and writes what comes.</summary>
sealed class CheckRun(Terminal terminal, CheckRequest request)
{
    /// <summary>Most targets wait: for DNS, for a network that others ask, for a host that is asked for another of them. What is held for one that
    /// waits is small, so that there are enough for all places.</summary>
    const int TargetsForPlace = 8;

    /// <summary>What a resolver on the same machine takes; others drop what is too much for them, and are asked again.</summary>
    const int QuestionsAtOnce = 256;

    static readonly TimeSpan s_quickLook = TimeSpan.FromMinutes(3);
    static readonly TimeSpan s_deepLook = TimeSpan.FromMinutes(10);

    Verdict _worst = Verdict.Ok;
    bool _unknown;
    int _done;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        Check();
        var targets = CheckTargets.Read(request.Targets, request.List is { } list ? Full(list) : null);
        var comparison = request.Before is { } before ? CheckComparison.Read(Full(before), before, request.Profile) : null;
        var done = request.Resume ? Finished() : [];

        // Before a file of an earlier run is overwritten: the configuration may be wrong.
        var audit = request.Rescore is null ? Audit() : null;
        using var file = Open();
        var output = new CheckOutput(request.Format, file ?? terminal.Out, report => CheckText.Write(report, file is null && terminal.OutColours, request.Everything));
        output.Begin(continued: done.Count > 0);
        if (request.Rescore is { } stored)
        {
            foreach (var document in StoredReports.Read(Full(stored)))
            {
                Take(document.Rejudge(request.Profile), output, comparison);
            }
        }
        else
        {
            await AuditAsync(audit!, [.. targets.Where(target => !done.Contains(target.ToString()!))], output, comparison, cancel);
        }

        output.End();
        if (comparison is not null)
        {
            await terminal.Error.WriteLineAsync(comparison.Sum());
        }

        return request.ExitCodeOf(_worst, _unknown);
    }

    void Check()
    {
        if (request.Targets.IsEmpty && request.List is null && request.Rescore is null)
        {
            throw new UsageException("there is nothing to check: name a domain, a host:port, or --file LIST");
        }

        if (request.Rescore is { } stored)
        {
            if (!request.Targets.IsEmpty || request.List is not null || request.Resume)
            {
                throw new UsageException("--rescore asks nobody: it goes neither with targets nor with --file or --resume");
            }

            // Opened for writing, it would be empty before it is read.
            if (request.Output is { } output && Path.GetFullPath(Full(output)) == Path.GetFullPath(Full(stored)))
            {
                throw new UsageException("--output is what --rescore reads: name another file");
            }
        }

        if (request.Resume && (request.Format is not CheckFormat.JsonLines || request.Output is null))
        {
            throw new UsageException("--resume goes with --format jsonlines and --output FILE");
        }
    }

    /// <summary>What an interrupted run came to counts as if this one had found it.</summary>
    HashSet<string> Finished()
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var summary in StoredReports.Finished(Full(request.Output!)))
        {
            done.Add(summary.Target);
            Count(summary.Overall, summary.AnyUnknown);
        }

        return done;
    }

    async Task AuditAsync(MailAudit audit, IReadOnlyList<AuditTarget> targets, CheckOutput output, CheckComparison? comparison, CancellationToken cancel)
    {
        var judged = Channel.CreateBounded<AuditReport>(new BoundedChannelOptions(64) { SingleReader = true });
        var progress = new CheckProgress(terminal, targets.Count);
        var writing = Task.Run(
            async () =>
            {
                await foreach (var report in judged.Reader.ReadAllAsync(CancellationToken.None))
                {
                    progress.Clear();
                    Take(report, output, comparison);
                    progress.Done(++_done);
                }
            },
            CancellationToken.None);
        try
        {
            var options = new ParallelOptions { MaxDegreeOfParallelism = request.Parallel * TargetsForPlace, CancellationToken = cancel };
            await Parallel.ForEachAsync(targets, options, async (target, stop) =>
            {
                var facts = await audit.RunAsync(target, progress, stop);
                await judged.Writer.WriteAsync(Judge.Of(facts, request.Profile), stop);
            });
        }
        finally
        {
            judged.Writer.Complete();
            await writing;
            progress.Clear();
        }
    }

    MailAudit Audit()
    {
        var configuration = request.Configuration is { } file ? ConfigurationArgument.Load(file, terminal) : null;
        var dns = configuration?.Dns ?? DnsSettings.Standard;
        if (request.Resolver is { } server)
        {
            // Whom the configuration trusts is somebody else.
            dns = dns with { Servers = [server], TrustAuthenticData = false };
        }

        var resolver = ConfigurationArgument.Resolver(dns, terminal, QuestionsAtOnce);
        var pkix = new PkixCheck(Roots(configuration), terminal.Clock);
        return new MailAudit(resolver, pkix, new StsFetch(resolver, pkix, terminal.Clock), Manners(), new ProbeOptions
        {
            EhloName = request.Ehlo ?? configuration?.Hostname.Ascii ?? Environment.MachineName,
            Clock = terminal.Clock,
            Pause = request.Pause,
            GreetingTimeout = request.Patience,
            MostConnections = request.Connections,
            Deep = request.Deep,
            MostTime = request.Deep ? s_deepLook : s_quickLook,
            AddressesAtOnce = request.Parallel,
        })
        {
            MxPort = configuration?.Outbound.Port ?? MailProtocol.Smtp.Port,
        };
    }

    TrustedRoots Roots(GatewayConfiguration? configuration)
    {
        ImmutableArray<string> files = [.. configuration?.Roots ?? [], .. request.Authority is { } file ? [Full(file)] : Array.Empty<string>()];
        try
        {
            return files.IsEmpty ? TrustedRoots.System : TrustedRoots.Load(files);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new UsageException($"--ca: {e.Message}");
        }
    }

    Manners Manners()
    {
        if (request.LeaveOut is not { } file)
        {
            return Hopseal.Audit.Probes.Manners.Everybody;
        }

        try
        {
            using var list = new StreamReader(Full(file));
            return Hopseal.Audit.Probes.Manners.Read(list);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new UsageException($"{file}: {e.Message}");
        }
    }

    void Take(AuditReport report, CheckOutput output, CheckComparison? comparison)
    {
        Count(report.Overall, report.Findings.Any(finding => finding.Verdict is Verdict.Unknown));
        output.Add(report);
        foreach (var change in comparison?.Changes(report) ?? [])
        {
            terminal.Error.WriteLine(change);
        }
    }

    void Count(Verdict overall, bool anyUnknown)
    {
        _worst = AuditReport.Worst([_worst, overall is Verdict.Unknown ? Verdict.Ok : overall]);
        _unknown |= anyUnknown;
    }

    StreamWriter? Open()
    {
        if (request.Output is not { } file)
        {
            return null;
        }

        try
        {
            return new StreamWriter(Full(file), append: request.Resume);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }

    string Full(string file) => Path.Combine(terminal.Directory, file);
}
