using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Tests.Findings;

public sealed class CheckIdsTests
{
    /// <summary>Scripts rely on them: an id may be added here, and none may be taken away or changed.</summary>
    static readonly string[] s_published =
    [
        "caa", "cert.chain", "cert.dates", "cert.key", "cert.name", "cert.sig", "cert.usage", "compress", "dnssec.address", "dnssec.mx", "ems", "group.dh", "group.list",
        "group.pq", "identity", "mx.found", "mx.reachable", "ptr", "reneg.secure", "resume", "rpt.record", "scsv", "sig.hash", "smtp.auth-plaintext", "smtp.dialogue",
        "sni.change", "starttls.injection", "starttls.offered", "starttls.required", "starttls.state", "starttls.stripped", "starttls.works", "sts.agree", "sts.fetch",
        "sts.host", "sts.mx", "sts.policy", "sts.record", "suite.bad", "suite.list", "suite.order", "tlsa.denial", "tlsa.exists", "tlsa.match", "tlsa.rollover",
        "tlsa.syntax", "ver.old", "ver.ssl2", "ver.tls12", "ver.tls13",
    ];

    [Fact]
    public void No_id_disappears() => Assert.Empty(s_published.Except(CheckIds.All));

    [Fact]
    public void Each_id_is_documented()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
        {
            directory = directory.Parent!;
        }

        var rows = File.ReadLines(Path.Combine(directory.FullName, "docs", "check.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => line.Split('|')[1].Split(',')).Select(id => id.Trim(' ', '`'));
        Assert.Equal(CheckIds.All.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_new_id_is_published_here_too() => Assert.Empty(CheckIds.All.Except(s_published));
}
