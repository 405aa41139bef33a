using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Hopseal.Configuration;
using Hopseal.Monitor;
using Hopseal.Reports.Tlsrpt.Sending;

namespace Hopseal.Tests.Configuration;

/// <summary>The example that is installed with the gateway is the documentation of every key: it must be right.</summary>
public sealed partial class ExampleConfigurationTests : IDisposable
{
    readonly Workspace _workspace = new();

    public ExampleConfigurationTests()
    {
        _workspace.WriteCertificate("fullchain");
        File.Move(_workspace.PathOf("fullchain.key"), _workspace.PathOf("privkey.pem"));
        File.Copy(_workspace.PathOf("fullchain.pem"), _workspace.PathOf("internal-ca.pem"));
        _workspace.WriteSecret("smarthost.password", "geheim\n");
        _workspace.WriteSecret("webhook.secret", "geheim\n");
        _workspace.Write("do-not-scan.txt", "# nobody\n");
        using var key = RSA.Create(2048);
        _workspace.WriteSecret("tlsrpt.pem", key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void It_has_no_faults_beside_what_the_machine_lacks()
    {
        var usable = Load(Example());
        Assert.All(usable.Warnings, warning => Assert.Equal("DataDirectory", warning.Key));
    }

    [Fact]
    public void What_it_shows_in_comments_is_right_too_and_is_the_default_where_it_says_so()
    {
        var shown = Load(CommentedKey().Replace(Example(), "$1$2")).Configuration;
        var plain = Load(Example()).Configuration;
        Assert.Equal(plain.Limits, shown.Limits);
        Assert.Equal(plain.Tls, shown.Tls);
        Assert.Equal(plain.Dns.Timeout, shown.Dns.Timeout);
        Assert.Equal(plain.Dns.Health, shown.Dns.Health);
        Assert.Equal(plain.Dns.TrustAuthenticData, shown.Dns.TrustAuthenticData);
        Assert.Equal(plain.Log.Level, shown.Log.Level);
        Assert.Equal(plain.Records, shown.Records);
        Assert.Equal(plain.Evidence, shown.Evidence);
        Assert.Equal(
            (plain.Alerts.MinimumSeverity, plain.Alerts.QueueAge, plain.Alerts.DiskPercent, plain.Alerts.CertificateDays),
            (shown.Alerts.MinimumSeverity, shown.Alerts.QueueAge, shown.Alerts.DiskPercent, shown.Alerts.CertificateDays));
        Assert.Equal((null, 8025, "ada"), (plain.Dashboard, shown.Dashboard!.Endpoint.Port, Assert.Single(shown.Dashboard.Users).Key));
        Assert.Null(plain.Monitor);
        Assert.Equal((new MonitorOptions(), false, 10, "rfc-9325"), (shown.Monitor!.Options, shown.Monitor.Deep, shown.Monitor.Connections, shown.Monitor.Profile.Name));
        Assert.Equal(["bank.example", "example.org"], shown.Monitor.Domains.Select(domain => domain.Name.Ascii));
        Assert.Single(shown.Alerts.Webhooks);
        Assert.Single(shown.Alerts.Mail!.To);
        Assert.Equal((plain.ReportIntake.Days, plain.ReportIntake.KeepMail), (shown.ReportIntake.Days, shown.ReportIntake.KeepMail));
        Assert.Equal(("tlsrpt@example.org", 8443), (Assert.Single(shown.ReportIntake.Mailboxes).ToString(), shown.ReportIntake.Endpoint?.Port));
        Assert.Equal(
            (plain.Outbound.Port, plain.Outbound.Connections, plain.Outbound.ConnectionsPerDestination, plain.Outbound.RememberTls),
            (shown.Outbound.Port, shown.Outbound.Connections, shown.Outbound.ConnectionsPerDestination, shown.Outbound.RememberTls));
        Assert.Equal((plain.Outbound.IdleTime, plain.Outbound.MessagesPerSession), (shown.Outbound.IdleTime, shown.Outbound.MessagesPerSession));
        Assert.Equal(plain.Outbound.Schedule.Delays, shown.Outbound.Schedule.Delays);
        Assert.Equal(plain.Outbound.Schedule.GiveUpAfter, shown.Outbound.Schedule.GiveUpAfter);
        Assert.Equal(7, shown.Outbound.Rules.Length);
        Assert.Equal("example", shown.SmartHostCredentials?.User);
        Assert.Equal(TimeSpan.FromDays(7), shown.MtaSts.Policies["example.org"].MaxAge);
        var sending = shown.ReportSending.Options!;
        Assert.Equal((TimeSpan.FromHours(4), 400, false), (sending.Spread, sending.Days, sending.DryRun));
        Assert.Equal(
            new SendingOptions { Organization = "", Contact = sending.Contact, Hostname = "" } with { Organization = sending.Organization, Hostname = sending.Hostname, Signer = sending.Signer, Except = sending.Except, ExceptBelow = sending.ExceptBelow },
            sending);
        Assert.Equal("tlsrpt._domainkey.example.org", shown.ReportSending.Dkim?.Owner.Ascii);
        Assert.Equal(plain.MxNames, shown.MxNames);
        Assert.Equal("next-key.pem", Path.GetFileName(shown.Certificates[0].NextKey));
        Assert.NotEmpty(shown.Listeners[^1].ProxyFrom);
    }

    static string Example()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Hopseal.slnx")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("the tests do not run inside the repository");
        }

        return File.ReadAllText(Path.Combine(directory.FullName, "packaging", "hopseal.json"));
    }

    ConfigurationResult.Usable Load(string json)
    {
        _workspace.Write("hopseal.json", json);
        var result = ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
        if (result is ConfigurationResult.Faulty { Faults: var faults })
        {
            Assert.Fail(string.Join('\n', faults));
        }

        return Assert.IsType<ConfigurationResult.Usable>(result);
    }

    [GeneratedRegex("""(?m)^(\s*)// (["{].*)$""")]
    private static partial Regex CommentedKey();
}
