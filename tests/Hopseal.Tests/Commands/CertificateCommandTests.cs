using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Policy.Dane;
using Hopseal.Rollover;

namespace Hopseal.Tests.Commands;

public sealed class CertificateCommandTests : IDisposable
{
    readonly Workspace _workspace = new();

    public CertificateCommandTests()
    {
        _workspace.WriteCertificate("mx").Dispose();
        _workspace.WriteCertificate("other", "mail.example.net").Dispose();
        Configure("""{ "Chain": "mx.pem", "Key": "mx.key", "NextKey": "next.key" }""", """{ "Chain": "other.pem", "Key": "other.key" }""");
    }

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task The_next_key_is_made_once_with_a_request_for_the_names_of_the_certificate()
    {
        var run = await RunAsync("next-key");
        Assert.Equal(0, run.ExitCode);
        var request = CertificateRequest.LoadSigningRequestPem(
            run.Out, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        var names = Assert.IsType<X509SubjectAlternativeNameExtension>(
            new X509SubjectAlternativeNameExtension(Assert.Single(request.CertificateExtensions).RawData));
        Assert.Equal(["mx1.example.org"], names.EnumerateDnsNames());

        var key = Assert.IsType<NextKey.Usable>(NextKey.Read(_workspace.PathOf("next.key")));
        Assert.Equal(OwnKey.Of(key.PublicKey), OwnKey.Of(request.PublicKey));
        Assert.EndsWith($"\n  _25._tcp.mx1.example.org. IN TLSA {OwnKey.Of(key.PublicKey).Record}\n", run.Error, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_workspace.PathOf("next.key")));
        }

        var before = await File.ReadAllTextAsync(_workspace.PathOf("next.key"), TestContext.Current.CancellationToken);
        var again = await RunAsync("next-key");
        Assert.Equal((2, ""), (again.ExitCode, again.Out));
        Assert.EndsWith("next.key exists, and a key is never overwritten\n", again.Error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(_workspace.PathOf("next.key"), TestContext.Current.CancellationToken));

        var asked = await RunAsync("request");
        Assert.Equal(0, asked.ExitCode);
        Assert.Equal(
            OwnKey.Of(request.PublicKey),
            OwnKey.Of(CertificateRequest.LoadSigningRequestPem(asked.Out, HashAlgorithmName.SHA256).PublicKey));
    }

    [Fact]
    public async Task An_RSA_key_from_elsewhere_is_as_good()
    {
        using var rsa = RSA.Create(2048);
        _workspace.WriteSecret("next.key", rsa.ExportRSAPrivateKeyPem());
        var run = await RunAsync("request");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            rsa.ExportSubjectPublicKeyInfo(),
            CertificateRequest.LoadSigningRequestPem(run.Out, HashAlgorithmName.SHA256, signerSignaturePadding: RSASignaturePadding.Pkcs1)
                .PublicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public async Task There_is_no_request_without_the_key()
    {
        var run = await RunAsync("request");
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.EndsWith("next.key does not exist; `hopseal certificate next-key` makes it\n", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--certificate 1", "hopseal: there is no Certificates[1] with a NextKey\n")]
    [InlineData("--certificate 2", "hopseal: there is no Certificates[2] with a NextKey\n")]
    [InlineData("--certificate -1", "hopseal: there is no Certificates[-1] with a NextKey\n")]
    public async Task An_entry_without_NextKey_cannot_be_chosen(string arguments, string error)
    {
        var run = await RunAsync(["next-key", .. arguments.Split(' ')]);
        Assert.Equal(2, run.ExitCode);
        Assert.EndsWith(error, run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_workspace.PathOf("next.key")));
    }

    [Fact]
    public async Task With_several_next_keys_one_must_be_chosen()
    {
        Configure(
            """{ "Chain": "mx.pem", "Key": "mx.key", "NextKey": "next.key" }""", """{ "Chain": "other.pem", "Key": "other.key", "NextKey": "other.next" }""");
        var run = await RunAsync("next-key");
        Assert.Equal(2, run.ExitCode);
        Assert.EndsWith("choose one with --certificate\n", run.Error, StringComparison.Ordinal);

        run = await RunAsync("next-key", "--certificate", "1");
        Assert.Equal(0, run.ExitCode);
        Assert.True(File.Exists(_workspace.PathOf("other.next")));
        Assert.Contains("the request is for mail.example.net.", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("there is no TLSA record to publish.\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_any_there_is_nothing_to_make()
    {
        Configure("""{ "Chain": "mx.pem", "Key": "mx.key" }""");
        var run = await RunAsync("next-key");
        Assert.Equal((2, "hopseal: no entry of Certificates has a NextKey, which says where the key is to be\n"), (run.ExitCode, run.Error));
    }

    void Configure(params string[] certificates) => _workspace.Write("hopseal.json", $$"""
        {
          "Hostname": "mx1.example.org", "DataDirectory": ".",
          "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
          "Certificates": [ {{string.Join(", ", certificates)}} ],
          "Domains": { "example.org": { "Maildir": "mail" } }
        }
        """);

    Task<CommandRun> RunAsync(params string[] args) => CommandRun.OfAsync(_workspace.Directory, ["certificate", .. args]);
}
