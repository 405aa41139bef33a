using System.Security.Cryptography.X509Certificates;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Smtp.Tests.Tls;

public sealed class LocalAuthorityTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("hopseal-authority-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_was_saved_is_loaded_again_and_keys_are_private()
    {
        using var first = LocalAuthority.LoadOrCreate(_directory, "local", TimeProvider.System);
        using var second = LocalAuthority.LoadOrCreate(_directory, "local", TimeProvider.System);
        Assert.Equal(first.Certificate.Thumbprint, second.Certificate.Thumbprint);
        Assert.True(second.Certificate.HasPrivateKey);

        var files = second.IssueFiles(_directory, "server", "localhost", "127.0.0.1");
        if (!OperatingSystem.IsWindows())
        {
            foreach (var key in new[] { Path.Combine(_directory, "ca-key.pem"), files.Key })
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
            }
        }

        Assert.True(ServerCertificates.Load([files]).Available);
    }

    [Fact]
    public void A_server_certificate_is_kept_while_it_is_good_and_replaced_when_it_is_not()
    {
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var authority = LocalAuthority.LoadOrCreate(_directory, "local", clock);
        string Issued(params string[] names) => File.ReadAllText(authority.IssueFiles(_directory, "server", names).Chain);

        var first = Issued("localhost", "127.0.0.1");
        Assert.Equal(first, Issued("localhost", "127.0.0.1"));
        var renamed = Issued("localhost", "other.test");
        Assert.NotEqual(first, renamed);
        clock.Advance(TimeSpan.FromDays(340));
        Assert.NotEqual(renamed, Issued("localhost", "other.test"));

        File.WriteAllText(Path.Combine(_directory, "server.pem"), "scribble");
        Assert.Contains("BEGIN CERTIFICATE", Issued("localhost"), StringComparison.Ordinal);
    }

    [Fact]
    public void Issued_certificates_chain_to_the_root_and_are_for_servers()
    {
        using var root = LocalAuthority.Create("root", TimeProvider.System);
        using var intermediate = root.Intermediate("intermediate");
        using var leaf = intermediate.Issue("mx.test", "*.mx.test", "::1");
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root.Certificate);
        chain.ChainPolicy.ExtraStore.Add(intermediate.Certificate);
        chain.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1"));

        Assert.True(chain.Build(leaf));
        Assert.True(leaf.MatchesHostname("a.mx.test") && leaf.MatchesHostname("::1"));
        Assert.InRange(leaf.NotAfter - leaf.NotBefore, TimeSpan.FromDays(365), TimeSpan.FromDays(366));
    }
}
