using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>One gateway with a listener of every mode; what it accepts for <see cref="Domain"/> ends in a Maildir, and it relays
/// nowhere.</summary>
public sealed class LocalGateway : IAsyncLifetime
{
    public const string Hostname = "gateway.test";
    public const string Domain = "kept.test";
    public const string User = "app";
    public const string Password = "correct horse battery staple";

    readonly TestDirectory _directory = new("local");
    GatewayProcess? _process;
    TestAuthority? _authority;

    /// <summary>STARTTLS offered, mail for our own domain taken without it.</summary>
    public int MxPort { get; } = Ports.Next();

    /// <summary>STARTTLS and AUTH required.</summary>
    public int SubmissionPort { get; } = Ports.Next();

    /// <summary>TLS from the first byte; AUTH required.</summary>
    public int SubmissionsPort { get; } = Ports.Next();

    public string RootPath => Authority.RootPath;

    public X509Certificate2 Root => Authority.Root;

    public string Output => Process.Output;

    public Task<JsonElement> LoggedAsync(int eventId, string mark, CancellationToken cancel) => Process.LoggedAsync(eventId, mark, cancel);

    internal Maildir Mailbox { get; private set; } = new("");

    TestAuthority Authority => _authority ?? throw new InvalidOperationException("not started");

    GatewayProcess Process => _process ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync()
    {
        var cancel = TestContext.Current.CancellationToken;
        _authority = new TestAuthority(_directory);
        var certificate = _authority.Issue(Hostname);
        var maildir = _directory["maildir"];
        Mailbox = new Maildir(maildir);
        var hash = (await Command.RunAsync(Executable.Path, ["config", "hash-password"], cancel, Password + "\n")).Succeeded("hash-password");
        _process = new GatewayProcess(
            _directory,
            new
            {
                Hostname,
                DataDirectory = _directory["data"],
                Listeners = new object[]
                {
                    new { Name = "mx", Endpoint = $"127.0.0.1:{MxPort}", Mode = "StartTls" },
                    new { Name = "submission", Endpoint = $"127.0.0.1:{SubmissionPort}", Mode = "StartTlsRequired", Authentication = "Required" },
                    new { Name = "submissions", Endpoint = $"127.0.0.1:{SubmissionsPort}", Mode = "ImplicitTls", Authentication = "Required" },
                },
                Certificates = new[] { new { certificate.Chain, certificate.Key } },
                Domains = new Dictionary<string, object> { [Domain] = new { Maildir = maildir } },
                Users = new[] { new { Name = User, PasswordHash = hash.Output.Trim() } },
                Limits = new { ConnectionsPerAddress = 1000, Errors = 20 },
            },
            MxPort);
        await _process.StartAsync(cancel);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_process], _authority, _directory);
}
