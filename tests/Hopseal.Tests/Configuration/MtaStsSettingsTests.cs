using Hopseal.Configuration;

namespace Hopseal.Tests.Configuration;

/// <summary>The section MtaSts: what is wrong with it, by line, key and message.</summary>
public sealed class MtaStsSettingsTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"MtaSts\": { \"Policies\": { \"example.org\": { \"Mode\": \"enforce\", \"Mx\": [ \"mx1.example.org\" ] } } }", ["6: MtaSts.Endpoint: is missing"] },
        { "\"MtaSts\": { \"Endpoint\": \"0.0.0.0\" }", ["6: MtaSts.Endpoint: \"0.0.0.0\" lacks a port between 1 and 65535"] },
        { "\"MtaSts\": { \"Endpoint\": \"127.0.0.1:25\" }", [
            "6: warning: MtaSts.Endpoint: nothing is served there: Policies has none",
            "6: MtaSts.Endpoint: the listener \"mx\" listens on 127.0.0.1:25 already"] },
        { Policy("\"Mode\": \"on\", \"Mx\": []"), ["7: MtaSts.Policies[\"example.org\"].Mode: \"on\" is none of enforce, testing, none"] },
        { Policy("\"Mx\": []"), ["7: MtaSts.Policies[\"example.org\"].Mode: is missing"] },
        { Policy("\"Mode\": \"enforce\""), ["7: MtaSts.Policies[\"example.org\"].Mx: is missing"] },
        { Policy("\"Mode\": \"enforce\", \"Mx\": []"), ["7: MtaSts.Policies[\"example.org\"].Mx: is empty: name the MX hosts of the domain"] },
        { Policy("\"Mode\": \"enforce\", \"Mx\": [\n\"mx.example.org:25\" ]"), [
            "8: MtaSts.Policies[\"example.org\"].Mx[0]: \"mx.example.org:25\" is not a host name, or *. and a domain"] },
        { Policy("\"Mode\": \"enforce\", \"Mx\": [ \"*.example.org\" ], \"MaxAgeDays\": 366"), [
            "7: MtaSts.Policies[\"example.org\"].MaxAgeDays: 366 is not between 1 and 365"] },
        { Policy("\"Mode\": \"none\", \"Id\": 1"), ["7: MtaSts.Policies[\"example.org\"].Id: there is no such key"] },
        { "\"MtaSts\": { \"Endpoint\": \"0.0.0.0:443\", \"Policies\": { \"a b\": {\n\"Mode\": \"none\" } } }", [
            "6: MtaSts.Policies[\"a b\"]: \"a b\" is not a domain name, or too long to have a policy"] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) =>
        Assert.Equal(expected, Shown(Assert.IsType<ConfigurationResult.Faulty>(Load(fragment)).Faults));

    [Fact]
    public void HTTPS_needs_a_certificate()
    {
        var faulty = Assert.IsType<ConfigurationResult.Faulty>(Load("\"MtaSts\": { \"Endpoint\": \"127.0.0.1:443\", \"Policies\": { \"example.org\": { \"Mode\": \"none\" } } }", "[]"));
        Assert.Contains("6: MtaSts.Endpoint: HTTPS needs a certificate, and Certificates has none", Shown(faulty.Faults));
    }

    [Fact]
    public void A_policy_that_cannot_work_is_a_warning()
    {
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load("""
            "MtaSts": { "Endpoint": "127.0.0.1:443", "Policies": {
            "example.org": { "Mode": "enforce", "Mx": [ "mx2.example.org" ] },
            "given-up.example": { "Mode": "none" } } },
            "Domains": { "example.org": { "Maildir": "mail" } }
            """));
        Assert.Equal(
            [
                "7: warning: MtaSts.Policies[\"example.org\"]: Mx names neither mx1.example.org nor another name of our certificates: who follows the policy delivers nothing here",
                "7: warning: MtaSts.Policies[\"example.org\"]: no certificate is for mta-sts.example.org: nobody can fetch the policy",
                "8: warning: MtaSts.Policies[\"given-up.example\"]: mail for given-up.example is not taken here: it is not in Domains",
                "8: warning: MtaSts.Policies[\"given-up.example\"]: no certificate is for mta-sts.given-up.example: nobody can fetch the policy",
            ],
            Shown(usable.Warnings));
    }

    static string Policy(string members) =>
        $"\"MtaSts\": {{ \"Endpoint\": \"0.0.0.0:443\", \"Policies\": {{ \"example.org\":\n{{ {members} }} }} }}";

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
