using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>The real program over a real signed zone, seen by <c>openssl s_client</c>: what it shows while keys and TLSA records change.</summary>
public sealed class RolloverTests : IAsyncLifetime
{
    const string Host = "mx.signed.test";
    const string Domain = "signed.test";

    // Seconds. The gateway looks every five, and waits for twice this: so it finds the wait under way at least once.
    const int Ttl = 6;

    static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    readonly TestDirectory _directory = new("rollover");
    readonly int _port = Ports.Next();
    string _first = "";
    SignedTree? _tree;
    GatewayProcess? _gateway;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    GatewayProcess Gateway => _gateway ?? throw new InvalidOperationException("not started");

    SignedTree Tree => _tree ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(SignedTree.Unavailable is not null, SignedTree.Unavailable ?? "");
        _first = Install(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        _tree = await SignedTree.StartAsync(
            [new TreeZone("test", ZoneState.Signed), new TreeZone(Domain, ZoneState.Signed)], Records(_first), Cancel);
        _gateway = new GatewayProcess(
            _directory,
            new
            {
                Hostname = Host,
                DataDirectory = _directory["data"],
                Listeners = new[] { new { Name = "mx", Endpoint = $"127.0.0.1:{_port}", Mode = "StartTls" } },
                Certificates = new[] { new { Chain = _directory["mx.pem"], Key = _directory["mx.key"], NextKey = _directory["next.key"] } },
                MxNames = new[] { Host },
                Domains = new Dictionary<string, object> { [Domain] = new { Maildir = _directory["maildir"] } },
                Dns = new { Servers = new[] { $"127.0.0.1:{_tree.Port}" } },
            },
            _port);
    }

    public async ValueTask DisposeAsync() => await Ending.OfAllAsync([_gateway, _tree], _directory);

    [Fact(Timeout = 180_000)]
    public async Task A_key_that_was_announced_is_used_at_once_and_another_one_when_its_record_is_old_enough()
    {
        var cancel = TestContext.Current.CancellationToken;
        var made = (await HopsealAsync("certificate", "next-key")).Succeeded("next-key");
        var next = CertificateRequest.LoadSigningRequestPem(made.Output, HashAlgorithmName.SHA256).PublicKey;
        var second = Record(next.ExportSubjectPublicKeyInfo());
        await Tree.PublishAsync(Records(_first, second), cancel);
        var published = await DnsAsync(0);
        Assert.Contains($"_25._tcp.{Host}. 3600 IN TLSA {second}\n", published.Output, StringComparison.Ordinal);

        await Gateway.StartAsync(cancel);
        await Gateway.LoggedAsync(2012, Host, cancel);
        await CopyOfAsync(_first);

        // The certificate after it is on the announced key.
        using (var key = ECDsa.Create())
        {
            key.ImportFromPem(await File.ReadAllTextAsync(_directory["next.key"], cancel));
            File.Delete(_directory["next.key"]);
            Assert.Equal(second, Install(key));
        }

        await ShownAsync(second);
        await CopyOfAsync(second);
        Assert.DoesNotContain("\"EventId\":2004,", Gateway.Output, StringComparison.Ordinal);

        // The one after that is not: it waits, over a restart too.
        var third = Install(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        await Gateway.LoggedAsync(2004, "no published TLSA record of mx.signed.test matches it", cancel);
        Assert.Equal(second, await ShownAsync());
        await Gateway.StopAsync(cancel);
        await Gateway.StartAsync(cancel);
        Assert.Equal(second, await ShownAsync());
        published = await DnsAsync(1);
        Assert.Contains($"_25._tcp.{Host}. 3600 IN TLSA {third}\n", published.Output, StringComparison.Ordinal);
        Assert.Contains("no record for the key of the renewed certificate that waits", published.Error, StringComparison.Ordinal);

        await Tree.PublishAsync(Records(second, third), cancel);
        await Gateway.LoggedAsync(2004, "caches may hold older TLSA records of mx.signed.test", cancel);
        await ShownAsync(third);

        // And a record that matches nothing any more is shouted about.
        await Tree.PublishAsync(Records(_first), cancel);
        await Gateway.LoggedAsync(2011, Host, cancel);
        Assert.Contains("matches neither the key in use nor the next one", (await HopsealAsync("dns", Domain)).Error, StringComparison.Ordinal);
    }

    static string[] Records(params string[] tlsa) =>
    [
        $"{Domain}. MX 10 {Host}.",
        $"{Host}. A 127.0.0.1",
        .. tlsa.Select(data => $"_25._tcp.{Host}. {Ttl} TLSA {data}"),
    ];

    static string Record(byte[] key) => $"3 1 1 {Convert.ToHexStringLower(SHA256.HashData(key))}";

    /// <summary>Makes a certificate on the key and puts both where the gateway looks, the key first: as they are replaced, they do not belong
    /// together for a moment. Returns the TLSA record.</summary>
    string Install(ECDsa key)
    {
        var request = new CertificateRequest($"CN={Host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(30));
        _directory.Write("mx.key", key.ExportPkcs8PrivateKeyPem());
        _directory.Write("mx.pem", certificate.ExportCertificatePem());
        return Record(key.ExportSubjectPublicKeyInfo());
    }

    Task<CommandResult> HopsealAsync(params string[] arguments) =>
        Command.RunAsync(Executable.Path, [.. arguments, "--config", _directory["hopseal.json"]], Cancel);

    /// <summary>Waits until <c>hopseal dns</c> ends so: name servers and caches take a moment.</summary>
    async Task<CommandResult> DnsAsync(int exitCode)
    {
        CommandResult? last = null;
        return await Eventually.FindAsync(
            $"hopseal dns ending with {exitCode}",
            s_limit,
            async () => (last = await HopsealAsync("dns", Domain)).ExitCode == exitCode ? last : null,
            () => $"{last}",
            Cancel);
    }

    /// <summary>Waits until clients see this key.</summary>
    Task<string> ShownAsync(string record) => Eventually.FindAsync(
        $"{record} shown", s_limit, async () => await ShownAsync() == record ? record : null, () => Gateway.Output, Cancel);

    /// <summary>Waits until a restart would not lose this key.</summary>
    Task<string> CopyOfAsync(string record) => Eventually.FindAsync(
        $"a copy of {record}",
        s_limit,
        () => Directory.Exists(_directory["data/shown-certificates"]) && Directory.GetFiles(_directory["data/shown-certificates"], "*.pem") is [var copy]
            && RecordIn(File.ReadAllText(copy)) == record ? record : null,
        () => Gateway.Output,
        Cancel);

    async Task<string> ShownAsync()
    {
        var result = await Command.RunAsync(
            "openssl", ["s_client", "-connect", $"127.0.0.1:{_port}", "-starttls", "smtp", "-servername", Host], Cancel, "QUIT\r\n");
        return RecordIn(result.Output);
    }

    static string RecordIn(string pem)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return Record(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }
}
