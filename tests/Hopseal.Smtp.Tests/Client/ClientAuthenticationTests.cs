using Hopseal.Smtp.Client;
using Hopseal.Smtp.Server;
using Hopseal.Smtp.Tests.Tls;
using Hopseal.Smtp.Tls;
using static Hopseal.Smtp.Tests.Client.ClientScripts;

namespace Hopseal.Smtp.Tests.Client;

public sealed class ClientAuthenticationTests : IDisposable
{
    readonly LocalAuthority _authority = LocalAuthority.Create("test root", TimeProvider.System);

    public void Dispose() => _authority.Dispose();

    async Task<(Clearance Clearance, string Transcript)> RunAsync(string mechanisms, string script, string password = "pass,=word")
    {
        await using var server = new ScriptedServer(
            "!tls\n" + After(mechanisms.Length == 0 ? "SIZE" : "AUTH " + mechanisms, script),
            ServerCertificates.FromCertificates([_authority.Issue("mx.test")]))
        {
            Users = new OneUser(),
        };
        var options = Options(new ClientCredentials("us=er,1", password));
        var clearance = await SmtpClientConnection.OpenAsync(server.Address, Demands.Any(start: TlsStart.Implicit), options, Cancel);
        if (clearance is Clearance.Granted granted)
        {
            await granted.Channel.DisposeAsync();
        }

        var transcript = string.Join("\n", options.Transcript!.Lines.Select(line => line.Text));
        await server.Done;
        return (clearance, transcript);
    }

    static string FaultOf(Clearance clearance)
    {
        var fault = Assert.IsType<Clearance.Unavailable>(clearance).Fault;
        return $"{fault.Phase} {fault.Kind} {fault.Reply?.Code}".TrimEnd();
    }

    [Theory]
    [InlineData("PLAIN LOGIN SCRAM-SHA-256", "SCRAM-SHA-256")]
    [InlineData("LOGIN PLAIN", "PLAIN")]
    [InlineData("login CRAM-MD5", "LOGIN")]
    public async Task The_strongest_common_mechanism_is_used(string offered, string used)
    {
        var (clearance, transcript) = await RunAsync(offered, $"!auth {used}\nC: QUIT\nS: 221 bye\n!gone");
        Assert.IsType<Clearance.Granted>(clearance);
        Assert.Contains($"AUTH {used}", transcript, StringComparison.Ordinal);
        Assert.DoesNotContain("pass", transcript, StringComparison.Ordinal);
        Assert.DoesNotContain("334 d", transcript, StringComparison.Ordinal); // with the server's signature, the password could be guessed
        Assert.DoesNotContain(Convert.ToBase64String("pass,=word"u8.ToArray()), transcript, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("us=er,1"u8.ToArray()), transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task Wrong_credentials_make_the_host_unavailable(string mechanism)
    {
        var (clearance, _) = await RunAsync(mechanism, $"!auth {mechanism}\n!gone", "wrong");
        Assert.Equal("Authentication Refused 535", FaultOf(clearance));
    }

    [Theory]
    [InlineData("")]
    [InlineData("CRAM-MD5 XOAUTH2")]
    public async Task Without_a_common_mechanism_nothing_is_sent(string offered)
    {
        var (clearance, _) = await RunAsync(offered, "!gone");
        Assert.Equal("Authentication ProtocolError", FaultOf(clearance));
    }

    [Theory]
    [InlineData("S: 235 2.7.0 welcome\n!gone")] // no proof at all
    [InlineData("S: 334 cj1zaG9ydCxzPWFiY2QsaT00MDk2\nC: *\nS: 501 cancelled\n!gone")] // another nonce
    [InlineData("S: 334 not base64!\nC: *\nS: 501 cancelled\n!gone")]
    public async Task A_server_that_does_not_know_the_password_is_no_success(string script)
    {
        var (clearance, _) = await RunAsync("SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 *\n" + script);
        Assert.StartsWith("Authentication ProtocolError", FaultOf(clearance), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_stops_asking_is_left()
    {
        var (clearance, _) = await RunAsync("LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\nS: 334 UGFzc3dvcmQ6\nC: *\nS: 334 bW9yZQ==\nC: *\nS: 334 bW9yZQ==\n!gone");
        Assert.Equal("Authentication ProtocolError 334", FaultOf(clearance));
    }

    [Fact]
    public async Task Credentials_never_travel_in_plaintext()
    {
        await using var server = new ScriptedServer(After("AUTH PLAIN", "C: QUIT\nS: 221 bye\n!gone"));
        var clearance = await SmtpClientConnection.OpenAsync(server.Address, Demands.Any(), Options(new ClientCredentials("u", "p")), Cancel);
        Assert.Equal("starttls-not-offered", Assert.Single(Assert.IsType<Clearance.Denied>(clearance).Tls.Failures).ReasonCode);
        await server.Done;
    }

    sealed class OneUser : ICredentials
    {
        readonly PasswordHash _hash = PasswordHash.Create("pass,=word", 4096);

        public PasswordHash? Find(string user) => user == "us=er,1" ? _hash : null;
    }
}
