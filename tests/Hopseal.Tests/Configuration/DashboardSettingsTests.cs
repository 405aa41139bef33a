using Hopseal.Configuration;
using Hopseal.Smtp.Server;

namespace Hopseal.Tests.Configuration;

/// <summary>The section Dashboard: what is wrong with it, by line, key and message.</summary>
public sealed class DashboardSettingsTests : IDisposable
{
    static readonly string s_hash = PasswordHash.Create("a password", 4096).ToString();

    const string Open = "6: warning: Dashboard: without Users, everybody with an account on this machine sees the evidence and acts on the queue";

    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"Endpoint\": \"192.0.2.1:8025\"", ["6: Dashboard.Endpoint: 192.0.2.1:8025 can be reached from other machines: that needs Users to log in, or an address of loopback"] },
        { "\"Endpoint\": \"[::]:8025\"", ["6: Dashboard.Endpoint: [::]:8025 can be reached from other machines: that needs Users to log in, or an address of loopback"] },
        { "\"Endpoint\": \"0.0.0.0:8025\"", ["6: Dashboard.Endpoint: 0.0.0.0:8025 can be reached from other machines: that needs Users to log in, or an address of loopback"] },
        { "\"Endpoint\": \"127.0.0.1:25\"", ["6: Dashboard.Endpoint: the listener \"mx\" listens on 127.0.0.1:25 already", Open] },
        { "\"Endpoint\": \"127.0.0.1\"", ["6: Dashboard.Endpoint: \"127.0.0.1\" lacks a port between 1 and 65535"] },
        { "\"Users\": [ { \"Name\": \"ada\", \"PasswordHash\": \"secret\" } ]", ["6: Dashboard.Users[0].PasswordHash: is no password hash: `hopseal config hash-password` makes one"] },
        { "\"Names\": [ \"not a name\" ]", ["6: Dashboard.Names[0]: \"not a name\" is not a domain name", Open] },
        { "\"Password\": \"x\"", ["6: Dashboard.Password: there is no such key", Open] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) =>
        Assert.Equal(expected, Shown(Assert.IsType<ConfigurationResult.Faulty>(Load(fragment)).Faults));

    [Fact]
    public void Beyond_loopback_it_needs_a_certificate() => Assert.Contains(
        "6: Dashboard.Endpoint: 192.0.2.1:8025 can be reached from other machines: that needs HTTPS, and Certificates has none",
        Shown(Assert.IsType<ConfigurationResult.Faulty>(
            Load($"\"Endpoint\": \"192.0.2.1:8025\", \"Users\": [ {{ \"Name\": \"ada\", \"PasswordHash\": \"{s_hash}\" }} ]", "[]")).Faults));

    [Fact]
    public void On_loopback_nobody_has_to_log_in_and_elsewhere_it_is_HTTPS()
    {
        var here = Assert.IsType<ConfigurationResult.Usable>(Load("")).Configuration.Dashboard!;
        Assert.Equal(("127.0.0.1:8025", false, 0), ($"{here.Endpoint}", here.Https, here.Users.Count));

        var elsewhere = Assert.IsType<ConfigurationResult.Usable>(
            Load($"\"Endpoint\": \"[::]:8443\", \"Names\": [ \"Mail.example.org\" ], \"Users\": [ {{ \"Name\": \"ada\", \"PasswordHash\": \"{s_hash}\" }} ]")).Configuration.Dashboard!;
        Assert.Equal(("[::]:8443", true, "ada", "mail.example.org"), ($"{elsewhere.Endpoint}", elsewhere.Https, Assert.Single(elsewhere.Users.Keys), Assert.Single(elsewhere.Names)));
    }

    [Fact]
    public void Who_lets_everybody_of_this_machine_in_is_told()
    {
        Assert.Equal([Open], Shown(Assert.IsType<ConfigurationResult.Usable>(Load("")).Warnings));
        Assert.Equal([Open], Shown(Assert.IsType<ConfigurationResult.Usable>(Load("\"Users\": []")).Warnings));

        Assert.Empty(Assert.IsType<ConfigurationResult.Usable>(Load($"\"Users\": [ {{ \"Name\": \"ada\", \"PasswordHash\": \"{s_hash}\" }} ]")).Warnings);
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
            "Dashboard": { {{fragment}} },
            "Domains": { "example.org": { "Maildir": "mail" } }
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
