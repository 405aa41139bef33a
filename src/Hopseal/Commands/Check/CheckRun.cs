using System.Threading.Channels;
using Hopseal.Audit;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Output;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Targets;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;

namespace Hopseal.Commands.Check;

/// <summary>Audits the targets of a run, some at a time, and writes what comes.</summary>
sealed class CheckRun(Terminal terminal, CheckRequest request)
{
    readonly Dictionary<string, AuditReport> _before = [];
    Verdict _worst = Verdict.Ok;
    bool _unknown;
    int _done;

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        Check();
        ReadBefore();
        IReadOnlySet<string> done = request.Resume ? StoredReports.Targets(Full(request.Output!)) : new HashSet<string>();
        using var file = Open();
        var output = new CheckOutput(request.Format, file ?? terminal.Out, report => CheckText.Write(report, file is null && terminal.OutColours, request.Everything));
        output.Begin(continued: done.Count > 0);
        if (request.Rescore is { } stored)
        {
            foreach (var document in StoredReports.Read(Full(stored)))
            {
                Take(document.Rejudge(request.Profile), output);
            }
        }
        else
        {
            await AuditAsync(done, output, cancel);
        }

        output.End();
        return request.ExitCodeOf(_worst, _unknown);
    }

    void Check()
    {
        if (request.Targets.IsEmpty && request.List is null && request.Rescore is null)
        {
            throw new UsageException("there is nothing to check: name a domain, a host:port, or --file LIST");
        }

        if (request.Resume && (request.Format is not CheckFormat.JsonLines || request.Output is null))
        {
            throw new UsageException("--resume goes with --format jsonlines and --output FILE");
        }
    }

    void ReadBefore()
    {
        if (request.Before is { } file)
        {
            foreach (var document in StoredReports.Read(Full(file)))
            {
                _before[document.Target] = document.Rejudge(request.Profile);
            }
        }
    }

    async Task AuditAsync(IReadOnlySet<string> done, CheckOutput output, CancellationToken cancel)
    {
        var audit = Audit();
        var judged = Channel.CreateBounded<AuditReport>(new BoundedChannelOptions(64) { SingleReader = true });
        var progress = new CheckProgress(terminal);
        var writing = Task.Run(
            async () =>
            {
                await foreach (var report in judged.Reader.ReadAllAsync(CancellationToken.None))
                {
                    progress.Clear();
                    Take(report, output);
                    progress.Done(++_done);
                }
            },
            CancellationToken.None);
        try
        {
            var options = new ParallelOptions { MaxDegreeOfParallelism = request.Parallel, CancellationToken = cancel };
            await Parallel.ForEachAsync(Targets().Where(target => !done.Contains(target.ToString()!)), options, async (target, stop) =>
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
        var resolver = ConfigurationArgument.Resolver(configuration?.Dns ?? DnsSettings.Standard, terminal);
        var pkix = new PkixCheck(configuration is null ? TrustedRoots.System : TrustedRoots.Load(configuration.Roots), terminal.Clock);
        return new MailAudit(resolver, pkix, new StsFetch(resolver, pkix, terminal.Clock), Manners(), new ProbeOptions
        {
            EhloName = request.Ehlo ?? configuration?.Hostname.Ascii ?? Environment.MachineName,
            Clock = terminal.Clock,
            Pause = request.Pause,
            MostConnections = request.Connections,
            Deep = request.Deep,
        })
        {
            MxPort = configuration?.Outbound.Port ?? MailProtocol.Smtp.Port,
        };
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

    IEnumerable<AuditTarget> Targets()
    {
        foreach (var target in request.Targets)
        {
            yield return target;
        }

        if (request.List is { } file)
        {
            foreach (var line in Lines(Full(file)))
            {
                var text = line.Split('#', 2)[0].Trim();
                if (text.Length > 0)
                {
                    yield return CheckCommand.Target(text);
                }
            }
        }
    }

    static IEnumerable<string> Lines(string file)
    {
        try
        {
            return File.ReadLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message);
        }
    }

    void Take(AuditReport report, CheckOutput output)
    {
        _worst = AuditReport.Worst([_worst, report.Overall is Verdict.Unknown ? Verdict.Ok : report.Overall]);
        _unknown |= report.Findings.Any(finding => finding.Verdict is Verdict.Unknown);
        output.Add(report);
        if (_before.TryGetValue(report.Facts.Target, out var before))
        {
            foreach (var change in AuditDifference.Between(before, report))
            {
                terminal.Error.WriteLine(Shown.Plain($"{report.Facts.Target}: {Sign(change)} {change.Subject} [{change.Id}]: {change.Before?.Title ?? "(new)"} → {change.After?.Title ?? "(gone)"}"));
            }
        }
    }

    static string Sign(FindingChange change) => change.IsWorse ? "worse" : change.After?.Verdict is Verdict.Unknown ? "not known" : "changed";

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
