using Hopseal.Configuration;
using Hopseal.Reports.Alerts;

namespace Hopseal.Tests.Configuration;

/// <summary>The section Alerts: what is wrong with it, by line, key and message.</summary>
public sealed class AlertSettingsTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"Webhooks\": [ { \"Url\": \"http://alerts.example.org/\", \"SecretFile\": \"secret\" } ]", ["6: Alerts.Webhooks[0].Url: has to be https, or http to an address of this machine"] },
        { "\"Webhooks\": [ { \"Url\": \"http://localhost/\", \"SecretFile\": \"secret\" } ]", ["6: Alerts.Webhooks[0].Url: has to be https, or http to an address of this machine"] },
        { "\"Webhooks\": [ { \"Url\": \"https://me:pw@alerts.example.org/\", \"SecretFile\": \"secret\" } ]", ["6: Alerts.Webhooks[0].Url: has to be https, or http to an address of this machine"] },
        { "\"Mail\": { \"From\": \"example.org\", \"To\": [] }", [
            "6: Alerts.Mail.From: \"example.org\" is not a mailbox, such as postmaster@example.org",
            "6: Alerts.Mail.To: names nobody"] },
        { "\"QueueHours\": 0", ["6: Alerts.QueueHours: 0 is not between 1 and 1000"] },
        { "\"DiskPercent\": 91", ["6: Alerts.DiskPercent: 91 is not between 0 and 90"] },
        { "\"CertificateDays\": \"14\"", ["6: Alerts.CertificateDays: expected a number, found a text"] },
        { "\"QuietHours\": \"22-7\"", ["6: Alerts.QuietHours: \"22-7\" is not a time of day and another, such as 22:00-07:00"] },
        { "\"QuietHours\": \"22:00-22:00\"", ["6: Alerts.QuietHours: \"22:00-22:00\" is not a time of day and another, such as 22:00-07:00"] },
        { "\"QuietHours\": \"22:00-24:00\"", ["6: Alerts.QuietHours: \"22:00-24:00\" is not a time of day and another, such as 22:00-07:00"] },
        { "\"QuietHours\": 22", ["6: Alerts.QuietHours: expected a text, found a number"] },
        { "\"Digest\": \"7:30\"", ["6: Alerts.Digest: \"7:30\" is not a time of day, such as 07:30"] },
        { "\"Digest\": \"07:30\"", ["6: Alerts.Digest: is a mail: it needs Mail"] },
        { "\"Webhook\": []", ["6: Alerts.Webhook: there is no such key; did you mean Webhooks?"] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) =>
        Assert.Equal(expected, Assert.IsType<ConfigurationResult.Faulty>(Load(fragment)).Faults.Select(fault => fault.ToString()["hopseal.json:".Length..]));

    [Fact]
    public void A_webhook_needs_a_secret() => Assert.Contains(
        "SecretFile", Assert.Single(Assert.IsType<ConfigurationResult.Faulty>(Load("\"Webhooks\": [ { \"Url\": \"https://alerts.example.org/\" } ]")).Faults).ToString(), StringComparison.Ordinal);

    [Fact]
    public void What_is_right_is_taken()
    {
        var settings = Assert.IsType<ConfigurationResult.Usable>(Load(
            "\"Webhooks\": [ { \"Url\": \"http://[::1]:8080/x\", \"SecretFile\": \"secret\" } ], \"MinimumSeverity\": \"Critical\", \"QueueHours\": 2, \"DiskPercent\": 0")).Configuration.Alerts;
        Assert.Equal(("http://[::1]:8080/x", 6), (Assert.Single(settings.Webhooks).Url.ToString(), settings.Webhooks[0].Secret.Length));
        Assert.Equal((AlertSeverity.Critical, TimeSpan.FromHours(2), 0, 14), (settings.MinimumSeverity, settings.QueueAge, settings.DiskPercent, settings.CertificateDays));
    }

    [Fact]
    public void Quiet_hours_and_the_daily_mail_are_times_of_day()
    {
        var settings = Assert.IsType<ConfigurationResult.Usable>(Load(
            "\"Mail\": { \"From\": \"a@example.org\", \"To\": [ \"b@example.org\" ] }, \"QuietHours\": \"22:00-07:00\", \"Digest\": \"07:30\"")).Configuration.Alerts;
        Assert.Equal((new QuietHours(new TimeOnly(22, 0), new TimeOnly(7, 0)), new TimeOnly(7, 30)), (settings.QuietHours, settings.Digest));
        Assert.Equal(
            ["6: warning: Alerts.QuietHours: says nothing without Webhooks or Mail: the log is always told"],
            Assert.IsType<ConfigurationResult.Usable>(Load("\"QuietHours\": \"22:00-07:00\"")).Warnings.Select(fault => fault.ToString()["hopseal.json:".Length..]));
    }

    ConfigurationResult Load(string fragment)
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.Write("secret", "geheim\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(_workspace.Directory, "secret"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        _workspace.Write("hopseal.json", $$"""
            {
            "Hostname": "mx1.example.org",
            "DataDirectory": ".",
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
            "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
            "Alerts": { {{fragment}} },
            "Domains": { "example.org": { "Maildir": "mail" } }
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
