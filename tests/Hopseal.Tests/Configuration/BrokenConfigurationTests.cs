using Hopseal.Configuration;

namespace Hopseal.Tests.Configuration;

/// <summary>One broken configuration each, and everything that is said about it: line, key, message.</summary>
public sealed class BrokenConfigurationTests : IDisposable
{
    static readonly string s_long = string.Join('.', Enumerable.Repeat(new string('x', 49), 5));

    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    public static TheoryData<string, string[]> WholeFiles => new()
    {
        { "", ["hopseal.json:1: not valid JSON: The input does not contain any JSON tokens. Expected the input to start with a valid JSON token, when isFinalBlock is true"] },
        { "[]", ["hopseal.json:1: expected an object { … }, found a list"] },
        { "{\n \"Hostname\": \n}", ["hopseal.json:3: not valid JSON: '}' is an invalid start of a value"] },
        { "{}\n{}", ["hopseal.json:2: not valid JSON: '{' is invalid after a single JSON value. Expected end of data"] },
        { "{ \"Hostname\": \"\\ud800.example\" }", [
            "hopseal.json:1: Hostname: holds an escape that is no character",
            "hopseal.json:1: Hostname: is empty",
            "hopseal.json:1: DataDirectory: is missing",
            "hopseal.json:1: Listeners: is missing"] },
        { "{}", [
            "hopseal.json:1: Hostname: is missing",
            "hopseal.json:1: DataDirectory: is missing",
            "hopseal.json:1: Listeners: is missing"] },
    };

    [Theory]
    [MemberData(nameof(WholeFiles))]
    public void A_file_that_is_no_configuration_says_where_it_stops_being_one(string json, string[] expected)
    {
        Assert.Equal(expected, Check(json));
    }

    /// <summary>The fragment begins in line 6 of a configuration that is otherwise good, after its Hostname, DataDirectory,
    /// Certificates and Listeners[0].</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { "\"Listners\": []", ["6: Listners: there is no such key; did you mean Listeners?"] },
        { "\"limits\": {}", ["6: limits: there is no such key; did you mean Limits?"] },
        { "\"Quota\": 1", ["6: Quota: there is no such key"] },
        { "\"Limits\": { \"Recipient\": 100 }", ["6: Limits.Recipient: there is no such key; did you mean Recipients?"] },
        { "\"Limits\": {\n\"Errors\": 5,\n\"Errors\": 6 }", ["8: Limits.Errors: is here a second time; the first is in line 7"] },
        { "\"Hostname\": \"a.example\"", ["6: Hostname: is here a second time; the first is in line 2"] },
        { "\"Limits\": []", ["6: Limits: expected an object { … }, found a list"] },
        { "\"Limits\": { \"MessageBytes\": \"50\" }", ["6: Limits.MessageBytes: expected a number, found a text"] },
        { "\"Limits\": { \"MessageBytes\": 1.5 }", ["6: Limits.MessageBytes: \"1.5\" is not a whole number"] },
        { "\"Limits\": { \"MessageBytes\": 1e99 }", ["6: Limits.MessageBytes: \"1e99\" is not a whole number"] },
        { "\"Limits\": { \"MessageBytes\": 99999999999999999999 }", ["6: Limits.MessageBytes: \"99999999999999999999\" is not a whole number"] },
        { "\"Limits\": { \"MessageBytes\": 1000 }", ["6: Limits.MessageBytes: 1000 is not between 65536 and 2147483648"] },
        { "\"Limits\": { \"Recipients\": 99 }", ["6: Limits.Recipients: 99 is not between 100 and 100000"] },
        { "\"Limits\": { \"Connections\": -1 }", ["6: Limits.Connections: -1 is not between 1 and 1000000"] },
        { "\"Tls\": { \"MinimumVersion\": \"1.1\" }", ["6: Tls.MinimumVersion: \"1.1\" is none of 1.2, 1.3; did you mean 1.2?"] },
        { "\"Tls\": { \"MinimumVersion\": 1.2 }", ["6: Tls.MinimumVersion: expected a text, found a number"] },
        { "\"Tls\": { \"SessionTickets\": \"yes\" }", ["6: Tls.SessionTickets: expected true or false, found a text"] },
        { "\"Evidence\": { \"Days\": -1, \"Addresses\": \"pseudonym\" }", [
            "6: Evidence.Days: -1 is not between 0 and 36500",
            "6: Evidence.Addresses: \"pseudonym\" is none of None, Pseudonym, Full; did you mean Pseudonym?"] },
        { "\"Log\": { \"Level\": \"Info\" }", ["6: Log.Level: \"Info\" is none of Debug, Information, Warning, Error"] },
        { "\"Log\": { \"Format\": \"JSON\" }", ["6: Log.Format: \"JSON\" is none of text, json; did you mean json?"] },

        { "\"MxNames\": \"mx.example\"", ["6: MxNames: expected a list [ … ], found a text"] },
        { "\"MxNames\": [ \"a.example\",\n\"192.0.2.1\" ]", ["7: MxNames[1]: \"192.0.2.1\" is not a domain name"] },
        { $"\"MxNames\": [ \"{s_long}\" ]", ["6: MxNames[0]: is too long: no TLSA record could be published for it"] },
        { $"\"MxNames\": [ {string.Join(", ", Enumerable.Range(0, 33).Select(i => $"\"mx{i}.example\""))} ]", ["6: MxNames: has more than 32 names"] },

        { "\"RelayFrom\": \"10.0.0.0/8\"", ["6: RelayFrom: expected a list [ … ], found a text"] },
        { "\"RelayFrom\": [\n\"10.0.0.0/8\",\n\"10.0.0.1/8\" ]", ["8: RelayFrom[1]: \"10.0.0.1/8\" has bits set behind its prefix; the network is 10.0.0.0/8"] },
        { "\"RelayFrom\": [ \"10.0.0.0/33\" ]", ["6: RelayFrom[0]: \"10.0.0.0/33\": the prefix length is not between 0 and 32"] },
        { "\"RelayFrom\": [ \"10.0.0\" ]", ["6: RelayFrom[0]: \"10.0.0\" is not a network, such as 192.0.2.0/24 or 2001:db8::/32"] },
        { "\"RelayFrom\": [ \"010.0.0.1\" ]", ["6: RelayFrom[0]: \"010.0.0.1\" is not a network, such as 192.0.2.0/24 or 2001:db8::/32"] },
        { "\"RelayFrom\": [ \"fe80::1%1\" ]", ["6: RelayFrom[0]: \"fe80::1%1\" is not a network, such as 192.0.2.0/24 or 2001:db8::/32"] },
        { "\"RelayFrom\": [ \"0.0.0.0/0\" ]", ["6: RelayFrom[0]: 0.0.0.0/0 would make this an open relay: /8 is the widest network that can be somebody's own"] },
        { "\"RelayFrom\": [ \"128.0.0.0/1\" ]", ["6: RelayFrom[0]: 128.0.0.0/1 would make this an open relay: /8 is the widest network that can be somebody's own"] },
        { "\"RelayFrom\": [ \"::ffff:0:0/96\" ]", ["6: RelayFrom[0]: ::ffff:0:0/96 would make this an open relay: /104 is the widest network that can be somebody's own"] },
        { "\"RelayFrom\": [ \"::/0\" ]", ["6: RelayFrom[0]: ::/0 would make this an open relay: /7 is the widest network that can be somebody's own"] },

        { "\"Users\": [ { \"Name\": \"app\" } ]", [
            "6: Users[0].PasswordHash: is missing"] },
        { "\"Users\": [ { \"Name\": \"app\", \"PasswordHash\": \"hunter2\" } ]", [
            "6: Users[0].PasswordHash: is no password hash: `hopseal config hash-password` makes one"] },
        { $"\"Users\": [ {{ \"Name\": \"app\", \"PasswordHash\": \"{Hash}\" }},\n{{ \"Name\": \"app\", \"PasswordHash\": \"{Hash}\" }} ]", [
            "7: Users[1].Name: Users[0] is named \"app\" already"] },

        { "\"Domains\": { \"exa mple.org\": { \"Maildir\": \"m\" } }", ["6: Domains[\"exa mple.org\"]: \"exa mple.org\" is not a domain name"] },
        { "\"Domains\": { \"A.example\": { \"Maildir\": \"m\" }, \"a.example.\": { \"Maildir\": \"m\" } }", ["6: Domains[\"a.example.\"]: is here a second time, as a.example"] },
        { "\"Domains\": { \"a.example\": { \"NextHop\": \"b\", \"Maildir\": \"m\" } }", ["6: Domains[\"a.example\"]: has both a NextHop and a Maildir"] },
        { "\"Domains\": { \"a.example\": { \"NextHop\": \"https://b\" } }", ["6: Domains[\"a.example\"].NextHop: \"https://b\" is no next hop: write host:port, smtp://host:port or smtps://host:port"] },
        { "\"Domains\": { \"a.example\": { \"NextHop\": \"b:0\" } }", ["6: Domains[\"a.example\"].NextHop: \"b:0\" is no next hop: write host:port, smtp://host:port or smtps://host:port"] },
        { "\"Domains\": { \"a.example\": { \"NextHop\": \"b\", \"Tls\": \"encrypted\" } }", ["6: Domains[\"a.example\"].Tls: \"encrypted\" is none of Plaintext, Encrypted, Authenticated; did you mean Encrypted?"] },
        { "\"Domains\": { \"a.example\": { \"NextHop\": \"10.0.0.5:25\", \"Tls\": \"Authenticated\" } }", ["6: Domains[\"a.example\"].Tls: Authenticated needs a host name, and 10.0.0.5 is an address"] },
        { "\"Domains\": { \"a.example\": { \"Maildir\": \"m\", \"Tls\": \"Encrypted\" } }", ["6: Domains[\"a.example\"].Tls: means nothing for a Maildir: the mail does not leave this machine"] },
        { "\"Domains\": { \"*\": { \"NextHop\": \"b\" } }", ["6: Domains[\"*\"]: would relay for every domain, as an open relay: \"*\" takes a Maildir only"] },

        { "\"Outbound\": { \"SmartHost\": \"smtps://relay.example:99999\" }", ["6: Outbound.SmartHost: \"smtps://relay.example:99999\" is no next hop: write host:port, smtp://host:port or smtps://host:port"] },
        { "\"Outbound\": { \"SmartHostTls\": \"Encrypted\" }", ["6: Outbound.SmartHostTls: means nothing without a SmartHost"] },
        { "\"Outbound\": { \"SmartHost\": \"relay.example:587\", \"SmartHostUser\": \"u\", \"SmartHostTls\": \"Authenticated\" }", ["6: Outbound.SmartHostUser: SmartHostUser and SmartHostPasswordFile belong together"] },
        { "\"Outbound\": { \"SmartHost\": \"relay.example:587\", \"SmartHostUser\": \"u\",\n\"SmartHostPasswordFile\": \"secret\", \"SmartHostTls\": \"Plaintext\" }", [
            "7: Outbound.SmartHostTls: Plaintext would send the password of SmartHostUser readable over the network",
            "7: warning: Outbound.SmartHostTls: without SmartHostTls Authenticated the password goes to whoever answers at that address"] },
        { "\"Outbound\": { \"SmartHost\": \"relay.example:587\", \"SmartHostUser\": \"u\", \"SmartHostPasswordFile\": \"none\", \"SmartHostTls\": \"Authenticated\" }", [
            "6: Outbound.SmartHostPasswordFile: DIR/none does not exist"] },
        { "\"Outbound\": { \"RetryMinutes\": [] }", ["6: Outbound.RetryMinutes: needs 1 to 100 delays"] },
        { "\"Outbound\": { \"RetryMinutes\": [ 5, 0 ] }", ["6: Outbound.RetryMinutes[1]: 0 is not between 1 and 10080"] },
        { "\"Outbound\": { \"GiveUpHours\": 0 }", ["6: Outbound.GiveUpHours: 0 is not between 1 and 720"] },
        { "\"Outbound\": { \"DelayWarningHours\": 120 }", ["6: Outbound.DelayWarningHours: must be less than GiveUpHours; 0 for no warning"] },
        { "\"Outbound\": { \"DelayWarningHours\": -1 }", ["6: Outbound.DelayWarningHours: -1 is not between 0 and 720"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"*.\" } ] }", [
            "6: Outbound.Rules[0].Destination: \"*.\" is not a domain name, nor \"*.\" and a domain name, an address in brackets, or \"*\"",
            "6: Outbound.Rules[0].Tls: is missing"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Plaintext\", \"Reason\": \"r\" } ] }", [
            "6: Outbound.Rules[0]: Plaintext needs Until, Owner: an exception has an end, a reason and an owner"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Plaintext\", \"Until\": \"31.1.2027\", \"Reason\": \"r\", \"Owner\": \"o\" } ] }", [
            "6: Outbound.Rules[0].Until: \"31.1.2027\" is not a date, such as 2027-01-31"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Authenticated\", \"Names\": [ \"*.b.*\" ] } ] }", [
            "6: Outbound.Rules[0].Names[0]: \"*.b.*\" is not a host name, nor \"*.\" and a domain name"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Encrypted\", \"Names\": [ \"b.example\" ] } ] }", [
            "6: Outbound.Rules[0].Names: means nothing with Tls Encrypted: names are checked with Authenticated only"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Encrypted\" },\n{ \"Destination\": \"A.example.\", \"Tls\": \"Authenticated\" } ] }", [
            "7: Outbound.Rules[1].Destination: Outbound.Rules[0] is for a.example already"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"*\", \"Tls\": \"Authenticated\" },\n{ \"Destination\": \"a.example\", \"Tls\": \"Encrypted\", \"Until\": \"9998-12-31\" } ] }", [
            "7: Outbound.Rules[1]: Encrypted is less than the Authenticated of Outbound.Rules[0] for *, and needs Reason, Owner: an exception has an end, a reason and an owner"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Sender\": \"*\", \"Tls\": \"Encrypted\" } ] }", [
            "6: Outbound.Rules[0].Sender: \"*\" is no sender: write a mailbox, a domain (with or without @ before it), or \"*.\" and a domain"] },
        { "\"Outbound\": { \"Rules\": [ { \"Sender\": \"a@b.example\", \"Tls\": \"Encrypted\" },\n{ \"Destination\": \"*\", \"Sender\": \"a@B.example\", \"Tls\": \"Authenticated\" } ] }", [
            "7: Outbound.Rules[1].Destination: Outbound.Rules[0] is for * from a@b.example already"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"*\", \"Tls\": \"Authenticated\" },\n{ \"Destination\": \"*\", \"Sender\": \"b.example\", \"Tls\": \"Encrypted\" } ] }", [
            "7: Outbound.Rules[1]: Encrypted is less than the Authenticated of Outbound.Rules[0] for *, and needs Until, Reason, Owner: an exception has an end, a reason and an owner"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"*\", \"Tls\": \"Encrypted\", \"MinimumVersion\": \"1.3\" },\n{ \"Destination\": \"a.example\", \"Tls\": \"Encrypted\", \"MinimumVersion\": \"1.2\" } ] }", [
            "7: Outbound.Rules[1]: its MinimumVersion is less than that of Outbound.Rules[0] for *, and needs Until, Reason, Owner: an exception has an end, a reason and an owner"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Encrypted\", \"MinimumVersion\": \"1.1\" } ] }", [
            "6: Outbound.Rules[0].MinimumVersion: \"1.1\" is none of 1.2, 1.3; did you mean 1.2?"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Plaintext\", \"MinimumVersion\": \"1.3\", \"Until\": \"9998-12-31\", \"Reason\": \"r\", \"Owner\": \"o\" } ] }", [
            "6: Outbound.Rules[0].MinimumVersion: means nothing with Tls Plaintext: it needs TLS, and Plaintext does not"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Authenticated\", \"Fingerprints\": [ \"sha1:00\" ] } ] }", [
            "6: Outbound.Rules[0].Fingerprints[0]: \"sha1:00\" is no fingerprint: write sha256:HEX of the certificate or spki-sha256:HEX of its public key, HEX being 64 hexadecimal digits"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Authenticated\", \"Fingerprints\": [] } ] }", [
            "6: Outbound.Rules[0].Fingerprints: needs 1 to 100 fingerprints"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Encrypted\",\n\"Fingerprints\": [ \"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" ],\n\"Roots\": [ \"mx.pem\" ] } ] }", [
            "7: Outbound.Rules[0].Fingerprints: means nothing with Tls Encrypted: who the host is matters with Authenticated only",
            "8: Outbound.Rules[0].Roots: means nothing with Tls Encrypted: who the host is matters with Authenticated only"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Authenticated\", \"Roots\": [] } ] }", [
            "6: Outbound.Rules[0].Roots: is empty: no authority would count, and no host could be authenticated"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Authenticated\", \"Roots\": [ \"none.pem\", \"mx.key\" ] } ] }", [
            "6: Outbound.Rules[0].Roots[0]: DIR/none.pem does not exist",
            "6: Outbound.Rules[0].Roots[1]: DIR/mx.key holds no certificate"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Encrypted\", \"ClientCertificate\": { \"Chain\": \"mx.pem\", \"Keys\": \"mx.key\" } } ] }", [
            "6: Outbound.Rules[0].ClientCertificate.Key: is missing",
            "6: Outbound.Rules[0].ClientCertificate.Keys: there is no such key; did you mean Key?"] },
        { "\"Outbound\": { \"Rules\": [ { \"Destination\": \"a.example\", \"Tls\": \"Encrypted\", \"ClientCertificate\": { \"Chain\": \"none.pem\", \"Key\": \"mx.key\" } } ] }", [
            "6: Outbound.Rules[0].ClientCertificate.Chain: cannot be used: Could not find file 'DIR/none.pem'."] },

        {
            "\"Dns\": { \"HealthMinutes\": 1441, \"HealthSigned\": \"\", \"HealthBogus\": \"a b\" }",
            [
                "6: Dns.HealthMinutes: 1441 is not between 0 and 1440",
                "6: Dns.HealthSigned: is empty",
                "6: Dns.HealthBogus: \"a b\" is not a domain name",
            ]
        },
        {
            "\"Dns\": { \"HealthSigned\": \"DNSSEC-failed.org\" }",
            ["6: Dns.HealthSigned: dnssec-failed.org is HealthBogus too: it cannot be both"]
        },
        { "\"Dns\": { \"Servers\": [ \"dns.example:53\" ] }", ["6: Dns.Servers[0]: \"dns.example:53\" is not an address and port, such as 0.0.0.0:25 or [::]:25"] },
        { "\"Trust\": { \"Roots\": [ \"none.pem\" ] }", ["6: Trust.Roots[0]: DIR/none.pem does not exist"] },
        { "\"Trust\": { \"Roots\": [ \"secret\" ] }", ["6: Trust.Roots[0]: DIR/secret holds no certificate"] },
    };

    const string Hash = "SCRAM-SHA-256$600000:AfNWr469bD3LRB4bVYuPIQ==$GZi8ZzvqjhY4rdtEj4SQvfGVjss7gZeZ1n8RwvCsToQ=:vUgR8yNZUm03jaGtUtfrj/D/lF4CuxIq1SGfdRzrIVw=";

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected)
    {
        _workspace.WriteCertificate("mx");
        Assert.Equal(expected.Select(line => "hopseal.json:" + line), Check(Good(fragment)));
    }

    public static TheoryData<string, string[]> Listeners => new()
    {
        { "\"Endpoint\": \"127.0.0.1:26\", \"Mode\": \"StartTls\"", ["6: Listeners[1].Name: is missing"] },
        { "\"Name\": \"b\", \"Endpoint\": \"127.0.0.1:26\", \"Mode\": \"Foo\"", ["6: Listeners[1].Mode: \"Foo\" is none of StartTls, StartTlsRequired, ImplicitTls"] },
        { "\"Name\": \"b\", \"Endpoint\": \"127.0.0.1:26\", \"Mode\": \"starttls\"", ["6: Listeners[1].Mode: \"starttls\" is none of StartTls, StartTlsRequired, ImplicitTls; did you mean StartTls?"] },
        { "\"Name\": \"b\", \"Endpoint\": \"0.0.0.0\", \"Mode\": \"StartTls\"", ["6: Listeners[1].Endpoint: \"0.0.0.0\" lacks a port between 1 and 65535"] },
        { "\"Name\": \"b\", \"Endpoint\": \"25\", \"Mode\": \"StartTls\"", ["6: Listeners[1].Endpoint: \"25\" is not an address and port, such as 0.0.0.0:25 or [::]:25"] },
        { "\"Name\": \"b\", \"Endpoint\": \"127.0.0.1:25\", \"Mode\": \"StartTls\"", ["6: Listeners[1].Endpoint: Listeners[0] listens on 127.0.0.1:25 already"] },
        { "\"Name\": \"mx\", \"Endpoint\": \"127.0.0.1:26\", \"Mode\": \"StartTls\"", ["6: Listeners[1].Name: Listeners[0] is named \"mx\" already"] },
        { "\"Name\": \"b\", \"Endpoint\": \"127.0.0.1:26\", \"Mode\": \"ImplicitTls\", \"Authentication\": \"Required\"", ["6: Listeners[1].Authentication: Required without anybody in Users: nobody could log in"] },
        { "\"Name\": \"b\", \"Endpoint\": \"127.0.0.1:26\", \"Mode\": \"StartTls\", \"ProxyFrom\": [ \"10.0.0.0/99\" ]", ["6: Listeners[1].ProxyFrom[0]: \"10.0.0.0/99\": the prefix length is not between 0 and 32"] },
    };

    [Theory]
    [MemberData(nameof(Listeners))]
    public void Every_fault_of_a_listener_is_named(string listener, string[] expected)
    {
        _workspace.WriteCertificate("mx");
        var json = Good("\"Limits\": {}").Replace("\"StartTls\" } ],\n", $"\"StartTls\" }},\n{{ {listener} }} ],\n", StringComparison.Ordinal);
        Assert.Equal(expected.Select(line => "hopseal.json:" + line), Check(json));
    }

    [Fact]
    public void A_listener_that_needs_TLS_needs_a_certificate()
    {
        var json = Good("\"Limits\": {}")
            .Replace("{ \"Chain\": \"mx.pem\", \"Key\": \"mx.key\" }", "", StringComparison.Ordinal)
            .Replace("\"StartTls\"", "\"ImplicitTls\"", StringComparison.Ordinal);
        Assert.Equal(["hopseal.json:5: Listeners[0].Mode: ImplicitTls needs a certificate, and Certificates has none"], Check(json));
    }

    [Fact]
    public void A_certificate_must_exist_and_load_with_its_own_key()
    {
        Assert.Equal(["hopseal.json:4: Certificates[0].Chain: cannot be used: Could not find file 'DIR/mx.pem'."], Check(Good("\"Limits\": {}")));

        _workspace.WriteCertificate("mx");
        _workspace.WriteCertificate("other");
        File.Copy(_workspace.PathOf("other.key"), _workspace.PathOf("mx.key"), overwrite: true);
        Assert.Equal(
            ["hopseal.json:4: Certificates[0].Chain: cannot be used: the private key does not belong to the certificate"],
            Check(Good("\"Limits\": {}")));
    }

    [Fact]
    public void Doubtful_things_are_warnings_and_the_configuration_is_usable()
    {
        _workspace.WriteCertificate("mx", "other.example.org");
        var json = Good("""
            "Outbound": { "Rules": [ { "Destination": "a.example", "Tls": "Plaintext", "Until": "2020-01-31", "Reason": "r", "Owner": "o" } ] }
            """);
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load(json));
        Assert.Empty(usable.Configuration.RoutingOn(new DateOnly(2026, 7, 1)).Rules);
        Assert.Equal(
            [
                "hopseal.json:4: warning: Certificates[0].Chain: is not for mx1.example.org but for other.example.org",
                "hopseal.json:6: warning: Outbound.Rules[0].Until: has passed (2020-01-31): the rule is not applied",
            ],
            usable.Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public void A_rule_that_ends_soon_is_a_warning()
    {
        _workspace.WriteCertificate("mx");
        var until = TimeProvider.System.GetUtcNow().AddDays(4);
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load(Good($$"""
            "Outbound": { "Rules": [ { "Destination": "a.example", "Tls": "Plaintext", "Until": "{{until:yyyy-MM-dd}}", "Reason": "r", "Owner": "o" } ] }
            """)));
        var warning = Assert.Single(usable.Warnings);
        Assert.Equal("Outbound.Rules[0].Until", warning.Key);
        Assert.Matches("^is near: in [45] days the rule is not applied any more$", warning.Message);
    }

    [Theory]
    [InlineData(-1, "expired on ")]
    [InlineData(7, "expires on ")]
    public void A_certificate_that_ends_soon_or_has_ended_is_a_warning(int validDays, string expected)
    {
        _workspace.WriteCertificate("mx", validDays: validDays);
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load(Good("\"Limits\": {}")));
        var warning = Assert.Single(usable.Warnings);
        Assert.Equal("Certificates[0].Chain", warning.Key);
        Assert.StartsWith(expected, warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_certificate_must_have_its_own_key_and_an_old_one_is_a_warning()
    {
        const string Rule = """
            "Outbound": { "Rules": [ { "Destination": "a.example", "Tls": "Encrypted", "ClientCertificate": { "Chain": "client.pem", "Key": "client.key" } } ] }
            """;
        _workspace.WriteCertificate("mx");
        _workspace.WriteCertificate("other");
        _workspace.WriteCertificate("client", validDays: -1);
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load(Good(Rule)));
        var warning = Assert.Single(usable.Warnings);
        Assert.Equal("Outbound.Rules[0].ClientCertificate.Chain", warning.Key);
        Assert.StartsWith("expired on ", warning.Message, StringComparison.Ordinal);

        File.Copy(_workspace.PathOf("other.key"), _workspace.PathOf("client.key"), overwrite: true);
        Assert.Equal(
            ["hopseal.json:6: Outbound.Rules[0].ClientCertificate.Chain: cannot be used: the private key does not belong to the certificate"],
            Check(Good(Rule)));
    }

    [Fact]
    public void Two_rules_that_hardly_any_certificate_meets_are_a_warning()
    {
        _workspace.WriteCertificate("mx");
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load(Good("""
            "Outbound": { "Rules": [ { "Destination": "*.example", "Tls": "Authenticated", "Roots": [ "mx.pem" ] },
              { "Destination": "a.example", "Tls": "Authenticated", "Roots": [ "mx.pem" ] } ] }
            """)));
        Assert.Equal(
            "hopseal.json:7: warning: Outbound.Rules[1].Roots: is asked for beside that of Outbound.Rules[0] for *.example: a certificate has to meet both",
            Assert.Single(usable.Warnings).ToString());
    }

    [Fact]
    public void What_a_terminal_would_obey_is_shown_as_an_escape()
    {
        _workspace.WriteCertificate("mx");
        Assert.Equal(["hopseal.json:6: [\"\\u001b[2J\"]: there is no such key"], Check(Good("\"\\u001b[2J\": 1")));
    }

    [Fact]
    public void A_password_file_that_is_too_large_or_missing_never_shows_its_content()
    {
        _workspace.WriteCertificate("mx");
        _workspace.Write("secret", new string('x', 5000));
        var faults = Check(Good("""
            "Outbound": { "SmartHost": "relay.example:587", "SmartHostUser": "u", "SmartHostPasswordFile": "secret", "SmartHostTls": "Authenticated" }
            """));
        Assert.Equal(["hopseal.json:6: Outbound.SmartHostPasswordFile: DIR/secret does not hold a password of 1 to 1024 characters in its first line"], faults);
    }

    [Fact]
    public void Too_deep_and_too_large_files_are_refused()
    {
        var deep = Assert.Single(Check(new string('[', 40)));
        Assert.StartsWith("hopseal.json:1: not valid JSON: ", deep, StringComparison.Ordinal);
        Assert.Equal(["hopseal.json:1: is larger than 1048576 octets"], Check(new string(' ', 1024 * 1024 + 1)));
    }

    [Fact]
    public void A_file_that_is_not_UTF8_says_in_which_line()
    {
        File.WriteAllBytes(_workspace.PathOf("hopseal.json"), [.. "{\n\"Hostname\": \""u8, 0xe9, .. "\" }"u8]);
        var faulty = Assert.IsType<ConfigurationResult.Faulty>(LoadFile());
        Assert.Equal("hopseal.json:2: the file is not UTF-8 text", Assert.Single(faulty.Faults).ToString());
    }

    [Fact]
    public void A_file_that_is_not_there_is_something_else_than_a_faulty_one()
    {
        var unreadable = Assert.IsType<ConfigurationResult.Unreadable>(LoadFile());
        Assert.Equal("hopseal.json: there is no such file", unreadable.Why);
    }

    static string Good(string fragment) => $$"""
        {
        "Hostname": "mx1.example.org",
        "DataDirectory": ".",
        "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ],
        "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
        {{fragment}},
        {{(fragment.Contains("\"RelayFrom\"", StringComparison.Ordinal) ? "" : "\"RelayFrom\": [ \"127.0.0.0/8\" ]")}}
        }
        """;

    string[] Check(string json) => Load(json) switch
    {
        ConfigurationResult.Faulty faulty =>
            [.. faulty.Faults.Select(fault => fault.ToString().Replace(_workspace.Directory, "DIR", StringComparison.Ordinal))],
        _ => [],
    };

    ConfigurationResult Load(string json)
    {
        _workspace.Write("hopseal.json", json);
        if (!File.Exists(_workspace.PathOf("secret")))
        {
            _workspace.WriteSecret("secret", "geheim\n");
        }

        return LoadFile();
    }

    ConfigurationResult LoadFile()
    {
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
