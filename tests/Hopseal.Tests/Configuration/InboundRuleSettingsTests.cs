using System.Net;
using Hopseal.Configuration;
using Hopseal.Policy;
using Hopseal.Smtp.Tls;

namespace Hopseal.Tests.Configuration;

/// <summary>The list InboundRules, and RequireTls of Outbound.Rules: what is wrong with them, by line, key and message.</summary>
public sealed class InboundRuleSettingsTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"InboundRules\": {}", ["6: InboundRules: expected a list [ … ], found an object"] },
        { Rule("\"Tls\": \"Encrypted\""), [
            "6: InboundRules[0]: needs Network or Sender, or both; for everybody, a listener has the Mode StartTlsRequired or ImplicitTls"] },
        { Rule("\"Sender\": \"a.example\""), ["6: InboundRules[0].Tls: is missing"] },
        { Rule("\"Sender\": \"a.example\",\n\"Tls\": \"Plaintext\""), ["7: InboundRules[0].Tls: Plaintext asks for nothing: write Encrypted or Authenticated"] },
        { Rule("\"Sender\": \"a.example\", \"Tls\": \"encrypted\""), [
            "6: InboundRules[0].Tls: \"encrypted\" is none of Plaintext, Encrypted, Authenticated; did you mean Encrypted?"] },
        { Rule("\"Sender\": \"a..example\", \"Tls\": \"Encrypted\""), [$"6: InboundRules[0].Sender: \"a..example\" is not {SenderPattern.Forms}"] },
        { Rule("\"Network\": \"10.0.0.1/8\", \"Tls\": \"Encrypted\""), [
            "6: InboundRules[0].Network: \"10.0.0.1/8\" has bits set behind its prefix; the network is 10.0.0.0/8"] },
        { Rule("\"Sender\": \"a.example\", \"Tls\": \"Authenticated\""), [
            "6: InboundRules[0]: Authenticated needs ClientCertificate: by what the client is known"] },
        { Rule("\"Sender\": \"a.example\", \"Tls\": \"Encrypted\",\n\"ClientCertificate\": [ \"b.example\" ]"), [
            "7: InboundRules[0].ClientCertificate: means nothing with Tls Encrypted: who the client is matters with Authenticated only"] },
        { Rule("\"Sender\": \"a.example\", \"Tls\": \"Authenticated\", \"ClientCertificate\": []"), [
            "6: InboundRules[0].ClientCertificate: needs 1 to 100 fingerprints and names"] },
        { Rule("\"Sender\": \"a.example\", \"Tls\": \"Authenticated\", \"ClientCertificate\": [ \"b.example\",\n\"sha256:00\", 5 ]"), [
            $"7: InboundRules[0].ClientCertificate[1]: \"sha256:00\" is neither {CertificatePin.Forms}, nor a host name",
            "7: InboundRules[0].ClientCertificate[2]: expected a text, found a number"] },
        { Rule("\"Sender\": \"a.example\", \"Tls\": \"Encrypted\", \"Senders\": \"b.example\""), [
            "6: InboundRules[0].Senders: there is no such key; did you mean Sender?"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Authenticated\", \"RequireTls\": \"Relaxed\" } ] }", [
            "6: Outbound.Rules[0].RequireTls: \"Relaxed\" is none of Strict, AuthenticatedHop"] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) =>
        Assert.Equal(expected, Shown(Assert.IsType<ConfigurationResult.Faulty>(Load(fragment)).Faults));

    [Fact]
    public void Without_a_certificate_no_client_could_come_over_TLS() => Assert.Contains(
        "6: InboundRules: needs Certificates: without one no client can come over TLS",
        Shown(Assert.IsType<ConfigurationResult.Faulty>(Load(Rule("\"Sender\": \"a.example\", \"Tls\": \"Encrypted\""), "[]")).Faults));

    [Fact]
    public void What_is_written_is_read()
    {
        var pin = "SHA256:" + new string('A', 64);
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load(
            $$"""
            "InboundRules": [
                { "Network": "192.0.2.0/24", "Tls": "Encrypted" },
                { "Sender": "*.Bank.example", "Network": "2001:db8::/32", "Tls": "Authenticated", "ClientCertificate": [ "{{pin}}", "*.Out.bank.example" ] }
            ],
            "Outbound": { "Rules": [
                { "Destination": "a.example", "Tls": "Authenticated", "RequireTls": "AuthenticatedHop" },
                { "Destination": "b.example", "Tls": "Authenticated", "RequireTls": "Strict" },
                { "Destination": "c.example", "Tls": "Authenticated" }
            ] }
            """));

        var rules = usable.Configuration.InboundRules;
        Assert.Equal([SecurityFloor.Encrypted, SecurityFloor.Authenticated], rules.Select(rule => rule.Floor));
        Assert.Equal([IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("2001:db8::/32")], rules.Select(rule => rule.Network!.Value));
        Assert.Equal("*.bank.example", rules[1].Sender!.ToString());
        Assert.Equal(["*.out.bank.example"], rules[1].Names.AsEnumerable());
        Assert.Equal([new CertificatePin(PinnedPart.Certificate, new string('a', 64))], rules[1].Pins.AsEnumerable());
        Assert.Equal("InboundRules[1]", rules[1].Source);
        Assert.Equal([true, false, null], usable.Configuration.Outbound.Rules.Select(rule => rule.Rule.AuthenticatedHop));
    }

    static string Rule(string members) => $"\"InboundRules\": [ {{ {members} }} ]";

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
            {{fragment}},
            "RelayFrom": [ "127.0.0.0/8" ]
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
