using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hopseal.Audit.Checks;
using Hopseal.Audit.Facts;
using Hopseal.Audit.Findings;
using Hopseal.Audit.Probes;
using Hopseal.Audit.Profiles;
using Hopseal.Audit.Targets;
using Hopseal.Dns;
using Hopseal.Policy;
using Hopseal.Policy.MtaSts;
using Hopseal.Smtp.Tls;

namespace Hopseal.Audit.Tests;

/// <summary>An auditor with an authority of its own, and a zone.</summary>
sealed class AuditWorld : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-audit-").FullName;

    public AuditWorld()
    {
        Authority = LocalAuthority.LoadOrCreate(_directory, "Audit test authority", TimeProvider.System);
        var file = Path.Combine(_directory, "roots.pem");
        File.WriteAllText(file, Authority.Certificate.ExportCertificatePem(), Encoding.ASCII);
        Pkix = new PkixCheck(TrustedRoots.Load([file]), TimeProvider.System);
    }

    public LocalAuthority Authority { get; }

    public PkixCheck Pkix { get; }

    public string Zone { get; set; } = "";

    public int MxPort { get; set; } = 25;

    public int PolicyPort { get; set; } = 443;

    public Manners Manners { get; set; } = Manners.Everybody;

    public ProbeOptions Options { get; set; } = new()
    {
        EhloName = "auditor.example",
        Clock = TimeProvider.System,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        GreetingTimeout = TimeSpan.FromSeconds(1),
        ReplyTimeout = TimeSpan.FromSeconds(1),
        BackOff = TimeSpan.FromMilliseconds(1),
    };

    /// <summary>One run: what is found in it counts for all that comes later in it.</summary>
    public MailAudit Run()
    {
        var resolver = ZoneResolver.Parse(Zone);
        return new MailAudit(resolver, Pkix, new StsFetch(resolver, Pkix, TimeProvider.System) { Port = PolicyPort }, Manners, Options) { MxPort = MxPort };
    }

    public Task<AuditFacts> LookAsync(AuditTarget target, CancellationToken cancel) => Run().RunAsync(target, new Progress<string>(), cancel);

    public async Task<AuditReport> CheckAsync(string target, CancellationToken cancel, string? profile = null)
    {
        Assert.True(AuditTarget.TryParse(target, out var parsed, out var why), why);
        return Judge.Of(await LookAsync(parsed, cancel), Profile.Named(profile ?? Profile.Default));
    }

    public Task<AuditReport> CheckAsync(IPEndPoint endpoint, CancellationToken cancel) => CheckAsync($"smtp://{endpoint}", cancel);

    public X509Certificate2 Issue(string name) => Authority.Issue(name);

    public void Dispose()
    {
        Authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}

static class Reports
{
    public static Verdict VerdictOf(this AuditReport report, string id) =>
        AuditReport.Worst(report.Findings.Where(finding => finding.Id == id).Select(finding => finding.Verdict).ToArray() is { Length: > 0 } found
            ? found
            : throw new InvalidOperationException($"{id} is not among {string.Join(", ", report.Findings.Select(finding => finding.Id))}"));
}
