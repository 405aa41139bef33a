using Hopseal.Dns;
using Hopseal.Policy.Dane;
using Hopseal.Smtp.Server;

namespace Hopseal.Tests.Commands;

public sealed class ConfigCommandTests : IDisposable
{
    readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task Check_prints_every_fault_to_standard_output_and_ends_with_1()
    {
        _workspace.Write("hopseal.json", "{\n\"Hostnam\": \"a.example\",\n\"DataDirectory\": 5 }");
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(
            """
            hopseal.json:1: Hostname: is missing
            hopseal.json:1: Listeners: is missing
            hopseal.json:2: Hostnam: there is no such key; did you mean Hostname?
            hopseal.json:3: DataDirectory: expected a text, found a number

            """,
            run.Out);
        Assert.Equal("hopseal.json: 4 errors, 0 warnings\n", run.Error);
    }

    [Fact]
    public async Task Check_of_a_good_file_ends_with_0_in_spite_of_warnings()
    {
        _workspace.WriteCertificate("mx");
        _workspace.Write("other.json", """
            {
              "Hostname": "mx1.example.org", "DataDirectory": "data", "RelayFrom": [ "127.0.0.1" ], "Dns": { "HealthMinutes": 0 },
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ]
            }
            """);
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "check", "--config", "other.json"]);
        Assert.Equal((0, "other.json: no errors, 1 warning\n"), (run.ExitCode, run.Error));
        Assert.StartsWith("other.json:2: warning: DataDirectory: ", run.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.PathOf("data")));
    }

    [Theory]
    [InlineData("$SECURE on\n_25._tcp.mx1.example.org TLSA 3 1 1 OWN", null)]
    [InlineData("$SECURE on\nmx1.example.org A 192.0.2.1", null)]
    [InlineData("_25._tcp.mx1.example.org FAIL TLSA no answer", null)]
    [InlineData(
        "$SECURE on\n_25._tcp.mx1.example.org TLSA 3 1 1 OTHER",
        "the certificate for mx1.example.org matches no published TLSA record: senders that use DANE do not deliver here; `hopseal dns` shows what to publish")]
    [InlineData(
        "_25._tcp.mx1.example.org TLSA 3 1 1 OWN",
        "the TLSA records of mx1.example.org are not signed with DNSSEC, or the resolver does not validate: senders ignore them")]
    [InlineData(
        "$SECURE on\n_25._tcp.mx1.example.org TLSA 3 1 1 OWN\n_25._tcp.mx1.example.org TLSA 0 1 1 OWN",
        "senders ignore the TLSA record 0 1 1 OWN of mx1.example.org: usage 0 means nothing to mail servers (RFC 7672 §3.1.3)")]
    public async Task Check_says_when_a_certificate_does_not_go_with_what_is_published(string zone, string? warning)
    {
        using var certificate = _workspace.WriteCertificate("mx");
        var own = Convert.ToHexStringLower(OwnKey.Of(certificate).Record.Data.AsSpan());
        _workspace.Write("hopseal.json", """
            {
              "Hostname": "mx1.example.org", "DataDirectory": ".", "RelayFrom": [ "127.0.0.1" ], "Dns": { "HealthMinutes": 0 },
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key" } ]
            }
            """);
        var text = zone.Replace("OWN", own, StringComparison.Ordinal).Replace("OTHER", new string('0', 64), StringComparison.Ordinal);
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"], zone: ZoneResolver.Parse(text));
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            warning is null ? "" : $"hopseal.json: warning: MxNames: {warning}\n",
            run.Out.Replace(own, "OWN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Check_of_a_file_that_is_not_there_ends_with_2()
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "check"]);
        Assert.Equal((2, "", "hopseal: hopseal.json: there is no such file\n"), (run.ExitCode, run.Out, run.Error));
    }

    [Theory]
    [InlineData("geheim")]
    [InlineData("geheim\n")]
    [InlineData("geheim\r\nsecond line")]
    public async Task Hash_password_prints_a_hash_of_the_first_line(string input)
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "hash-password"], input);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.True(PasswordHash.TryParse(run.Out.TrimEnd('\n'), out var hash));
        Assert.True(await hash.VerifyAsync("geheim", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("", "hopseal: the password is empty\n")]
    [InlineData("\n", "hopseal: the password is empty\n")]
    public async Task Hash_password_refuses_no_password(string input, string expected)
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "hash-password"], input);
        Assert.Equal((2, "", expected), (run.ExitCode, run.Out, run.Error));
    }

    [Fact]
    public async Task Hash_password_refuses_one_that_is_too_long()
    {
        var run = await CommandRun.OfAsync(_workspace.Directory, ["config", "hash-password"], new string('x', 1025));
        Assert.Equal((2, "hopseal: the password is longer than 1024 octets\n"), (run.ExitCode, run.Error));
    }
}
