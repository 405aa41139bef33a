using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Hopseal.Dns;
using Hopseal.Reports.Store;
using Hopseal.Reports.Tlsrpt;
using Hopseal.Reports.Tlsrpt.Mail;
using Hopseal.Reports.Tlsrpt.Receiving;
using Hopseal.Smtp.Mail;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MimeKit.Cryptography;

namespace Hopseal.Reports.Tests.Tlsrpt.Receiving;

/// <summary>An intake for company-y.example over a database of its own, some days after <see cref="SampleReports.Full"/>.</summary>
sealed class IntakeWorld : IAsyncDisposable
{
    public static readonly DomainName Ours = DomainName.Parse("company-y.example");

    static readonly RSA s_key = RSA.Create(2048);

    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-intake-").FullName;

    /// <param name="zone">Beside the key of company-x.example.</param>
    public IntakeWorld(IntakeLimits? limits = null, string? zone = null)
    {
        Database = RecordsDatabase.Open(_directory, [ReceivedTables.Part], NullLogger<RecordsDatabase>.Instance);
        Store = new ReportStore(Database, (domain, _) => domain.IsWithin(Ours), limits ?? new IntakeLimits());
        var resolver = ZoneResolver.Parse(zone ?? Zone);
        Intake = new ReportIntake(Store, new ReportSignature(resolver, Clock), Clock, NullLogger<ReportIntake>.Instance);
        Received = ReceivedReports.Of(Database);
    }

    public static string Zone { get; } = $"reports._domainkey.company-x.example TXT v=DKIM1\\; s=tlsrpt\\; p={Convert.ToBase64String(s_key.ExportSubjectPublicKeyInfo())}";

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 11, 10, 3, 0, 0, TimeSpan.Zero));

    public RecordsDatabase Database { get; }

    public ReportStore Store { get; }

    public ReportIntake Intake { get; }

    public ReceivedReports Received { get; }

    public static DkimSigner Signer(string domain = "company-x.example") => ReportMessage.Signer(
        new MemoryStream(Encoding.ASCII.GetBytes(s_key.ExportRSAPrivateKeyPem())), DomainName.Parse(domain), "reports");

    /// <summary>About our domain only.</summary>
    public static TlsReport Report(string id = "1") => SampleReports.Full with { Id = id, Policies = [SampleReports.Full.Policies[0]] };

    public static byte[] Mail(TlsReport? report = null, DkimSigner? signer = null) => ReportMessage.Create(
        report ?? Report(), Ours, new Mailbox("tls-reports", Ours), new DateTimeOffset(2026, 11, 2, 3, 0, 0, TimeSpan.Zero), signer);

    public Task<ImmutableArray<TakenReport>?> TakeMailAsync(byte[] octets) => Intake.TakeMailAsync(
        new MemoryStream(octets), octets.Length, "tlsrpt@company-x.example", Clock.GetUtcNow(), Clock.GetUtcNow().AddDays(5), TestContext.Current.CancellationToken);

    public Task<TakenReport> TakeBodyAsync(byte[] octets) =>
        Intake.TakeBodyAsync(octets, "192.0.2.1", TestContext.Current.CancellationToken);

    public long Count(string table)
    {
        using var connection = Database.OpenReader();
        return connection.Number($"SELECT count(*) FROM {table}")!.Value;
    }

    /// <summary>Nothing is there in parts: every row belongs to a report, and the sums are those of the reports.</summary>
    public void AssertWhole()
    {
        using var connection = Database.OpenReader();
        Assert.Equal(0, connection.Number("SELECT count(*) FROM tlsrpt_received_policies WHERE report NOT IN (SELECT id FROM tlsrpt_received)"));
        Assert.Equal(0, connection.Number(
            "SELECT count(*) FROM tlsrpt_received_failures f WHERE NOT EXISTS (SELECT 1 FROM tlsrpt_received_policies p WHERE p.report = f.report AND p.place = f.policy)"));
        Assert.Equal(0, connection.Number(
            """
            SELECT count(*) FROM tlsrpt_received r WHERE details <> (SELECT count(*) FROM tlsrpt_received_policies WHERE report = r.id)
                + (SELECT count(*) FROM tlsrpt_received_failures WHERE report = r.id)
            """));
        Assert.Equal(
            connection.Number("SELECT coalesce(sum(successful), 0) + coalesce(sum(failed), 0) FROM tlsrpt_received"),
            connection.Number("SELECT coalesce(sum(successful), 0) + coalesce(sum(failed), 0) FROM tlsrpt_received_sums WHERE type = ''"));
        Assert.Equal(
            connection.Number("SELECT coalesce(sum(sessions), 0) FROM tlsrpt_received_failures"),
            connection.Number("SELECT coalesce(sum(failed), 0) FROM tlsrpt_received_sums WHERE type <> ''"));
    }

    public async ValueTask DisposeAsync()
    {
        Intake.Dispose();
        await Database.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }
}
