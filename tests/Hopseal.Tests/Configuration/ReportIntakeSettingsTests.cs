using Hopseal.Configuration;

namespace Hopseal.Tests.Configuration;

/// <summary>The section TlsReports.Receive: what is wrong with it, by line, key and message.</summary>
public sealed class ReportIntakeSettingsTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"Mailboxes\": \"tlsrpt@example.org\"", ["6: TlsReports.Receive.Mailboxes: expected a list [ … ], found a text"] },
        { "\"Mailboxes\": [ \"example.org\",\n\"*.example.org\", 1, \"a b@example.org\" ]", [
            "6: TlsReports.Receive.Mailboxes[0]: \"example.org\" is not a mailbox, such as tlsrpt@example.org",
            "7: TlsReports.Receive.Mailboxes[1]: \"*.example.org\" is not a mailbox, such as tlsrpt@example.org",
            "7: TlsReports.Receive.Mailboxes[2]: expected a text, found a number",
            "7: TlsReports.Receive.Mailboxes[3]: \"a b@example.org\" is not a mailbox, such as tlsrpt@example.org"] },
        { "\"Mailboxes\": [ \"tlsrpt@example.net\" ]", ["6: TlsReports.Receive.Mailboxes[0]: mail for example.net is not taken here: it is not in Domains"] },
        { "\"KeepMail\": true", ["6: warning: TlsReports.Receive.KeepMail: means nothing without Mailboxes"] },
        { "\"KeepMail\": \"yes\"", ["6: TlsReports.Receive.KeepMail: expected true or false, found a text"] },
        { "\"Endpoint\": \"127.0.0.1:25\"", ["6: TlsReports.Receive.Endpoint: the listener \"mx\" listens on 127.0.0.1:25 already"] },
        { "\"Endpoint\": \"127.0.0.1\"", ["6: TlsReports.Receive.Endpoint: \"127.0.0.1\" lacks a port between 1 and 65535"] },
        { "\"Days\": 0", ["6: TlsReports.Receive.Days: 0 is not between 1 and 3650"] },
        { "\"Mailbox\": []", ["6: TlsReports.Receive.Mailbox: there is no such key; did you mean Mailboxes?"] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) => Assert.Equal(expected, Load(fragment) switch
    {
        ConfigurationResult.Faulty faulty => Shown(faulty.Faults),
        ConfigurationResult.Usable usable => Shown(usable.Warnings),
        var unknown => throw new InvalidOperationException($"{unknown}"),
    });

    [Fact]
    public void HTTPS_needs_a_certificate() => Assert.Contains(
        "6: TlsReports.Receive.Endpoint: HTTPS needs a certificate, and Certificates has none",
        Shown(Assert.IsType<ConfigurationResult.Faulty>(Load("\"Endpoint\": \"127.0.0.1:8443\"", "[]")).Faults));

    [Fact]
    public void What_is_right_is_taken()
    {
        var usable = Assert.IsType<ConfigurationResult.Usable>(
            Load("\"Mailboxes\": [ \"TlsRpt@example.org\" ], \"KeepMail\": true, \"Endpoint\": \"[::]:8443\", \"Days\": 90"));
        var settings = usable.Configuration.ReportIntake;
        Assert.Empty(usable.Warnings);
        Assert.Equal(("TlsRpt@example.org", true, "[::]:8443", 90), (Assert.Single(settings.Mailboxes).ToString(), settings.KeepMail, settings.Endpoint?.ToString(), settings.Days));
    }

    static IEnumerable<string> Shown(IEnumerable<ConfigFault> faults) => faults.Select(fault => fault.ToString()["hopseal.json:".Length..]);

    ConfigurationResult Load(string fragment, string certificates = "[ { \"Chain\": \"mx.pem\", \"Key\": \"mx.key\" } ]")
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.Write("hopseal.json", $$"""
            {
            "Hostname": "mx1.example.org",
            "DataDirectory": ".",
            "Certificates": {{certificates}},
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
            "TlsReports": { "Receive": { {{fragment}} } },
            "Domains": { "example.org": { "Maildir": "mail" } }
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
