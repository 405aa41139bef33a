using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Hopseal.Dns;
using Hopseal.Smtp.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Hopseal.Policy.Tests;

public sealed class PkixCheckTests
{
    static readonly DateTimeOffset s_now = new(2031, 5, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly TestAuthority s_root = TestAuthority.Root("Root", s_now.AddYears(-5), s_now.AddYears(5));
    static readonly TestAuthority s_intermediate = s_root.Intermediate("Intermediate");
    static readonly X509Certificate2 s_leaf = s_intermediate.Leaf(["mx.example.org"]);

    readonly FakeTimeProvider _clock = new(s_now);

    [Fact]
    public void A_chain_and_a_name_that_are_right_prove_the_peer() =>
        Assert.Equal("Pkix", Judge(s_leaf, s_intermediate));

    [Fact]
    public void What_else_the_peer_sends_does_not_matter()
    {
        var other = TestAuthority.Root("Other", s_now.AddYears(-5), s_now.AddYears(5));
        Assert.Equal("Pkix", Judge(s_leaf, other, s_intermediate, s_root, s_intermediate));
    }

    [Fact]
    public void An_extra_root_may_be_the_certificate_itself()
    {
        var leaf = TestAuthority.SelfSignedLeaf("mx.example.org", s_now.AddDays(-1), s_now.AddDays(1));
        Assert.Equal("Pkix", Judge(new PkixCheck(TrustedRoots.Of(leaf), _clock), leaf));
        Assert.Equal("CertificateNotTrusted self-signed", Judge(leaf));
    }

    [Theory]
    [InlineData("www.example.org", "CertificateHostMismatch name-mismatch")]
    [InlineData("example.org", "CertificateHostMismatch name-mismatch")]
    [InlineData("*.example.org", "Pkix")]
    [InlineData("", "CertificateHostMismatch no-reference-name")]
    [InlineData("www.example.org MX.example.org", "Pkix")]
    public void A_certificate_must_be_for_a_name_that_is_believed(string references, string expected) =>
        Assert.Equal(expected, Judge(Check(), s_leaf, [s_intermediate], [.. references.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));

    [Fact]
    public void The_common_name_never_counts()
    {
        Assert.Equal("CertificateHostMismatch name-mismatch", Judge(s_root.Leaf(["other.example.org"])));
        Assert.Equal("CertificateHostMismatch name-mismatch", Judge(s_root.Leaf([])));
    }

    [Fact]
    public void Time_counts_by_the_given_clock()
    {
        Assert.Equal("CertificateExpired expired", Judge(s_root.Leaf(["mx.example.org"], to: s_now.AddDays(-1))));
        Assert.Equal("CertificateExpired not-yet-valid", Judge(s_root.Leaf(["mx.example.org"], from: s_now.AddDays(1))));
        var old = s_root.Intermediate("Old", s_now.AddDays(-1));
        Assert.Equal("CertificateExpired issuer-expired", Judge(old.Leaf(["mx.example.org"], to: s_now.AddDays(-2)), old).Split(", ").Last());
        _clock.SetUtcNow(s_now.AddYears(5).AddDays(1));
        Assert.StartsWith("CertificateExpired expired", Judge(s_leaf, s_intermediate), StringComparison.Ordinal);
    }

    [Fact]
    public void Trust_ends_at_a_known_root()
    {
        Assert.Equal("CertificateNotTrusted unknown-issuer", Judge(s_leaf));
        var other = TestAuthority.Root("Root", s_now.AddYears(-5), s_now.AddYears(5));
        var unknown = TestAuthority.Root("Unknown", s_now.AddYears(-5), s_now.AddYears(5));
        Assert.Equal("CertificateNotTrusted untrusted-root", Judge(unknown.Leaf(["mx.example.org"]), unknown));
        Assert.NotEqual("Pkix", Judge(other.Leaf(["mx.example.org"]), other));
        Assert.Equal("CertificateNotTrusted unknown-issuer", Judge(new PkixCheck(TrustedRoots.System, _clock), s_leaf, s_intermediate));
    }

    [Fact]
    public void A_certificate_for_another_purpose_is_not_trusted()
    {
        Assert.Equal("CertificateNotTrusted wrong-usage", Judge(s_root.Leaf(["mx.example.org"], TestAuthority.ClientAuthentication)));
        Assert.Equal("Pkix", Judge(s_root.Leaf(["mx.example.org"], usage: null)));
    }

    [Fact]
    public void A_leaf_cannot_issue()
    {
        var notAnAuthority = TestAuthority.SelfSignedLeaf("mx.example.org", s_now.AddDays(-1), s_now.AddDays(1));
        Assert.NotEqual("Pkix", Judge(s_leaf, [notAnAuthority]));
    }

    [Fact]
    public void Several_faults_are_all_told() => Assert.Equal(
        "CertificateExpired expired, CertificateHostMismatch name-mismatch", Judge(s_root.Leaf(["other.example.org"], to: s_now.AddDays(-1))));

    [Fact]
    public void A_malformed_certificate_is_a_failure_and_no_crash() => Assert.Equal(
        "ValidationFailure malformed-certificate", Judge(s_root.Leaf([], extra: new X509Extension("2.5.29.17", [0x30, 0x05, 0x82, 0x7F, 0x61, 0x62, 0x63], false))));

    [Fact]
    public void What_the_peer_did_not_send_is_not_fetched()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var access = new X509AuthorityInformationAccessExtension(null, [$"http://{listener.LocalEndpoint}/ca.cer"]);
        Assert.Equal("CertificateNotTrusted unknown-issuer", Judge(s_intermediate.Leaf(["mx.example.org"], extra: access)));
        Assert.False(listener.Pending());
    }

    [Fact]
    public void The_verifier_judges_by_the_plan_and_by_any_thread()
    {
        var host = new PlannedHost(DomainName.Parse("mx.example.org"), 10, 25, TlsStart.StartTls, HostAuthenticity.Dnssec, []);
        var verify = Check().For(new HostPlan(host, [], ["mx.example.org"]));
        var peer = new PeerChain(s_leaf, [s_leaf, s_intermediate.Certificate], "mx.example.org");
        Parallel.For(0, 200, _ => Assert.Equal(PeerIdentity.Pkix, verify(peer).Identity));
    }

    [Fact]
    public void Extra_roots_are_loaded_from_files()
    {
        var directory = Directory.CreateTempSubdirectory("hopseal-roots-");
        try
        {
            string Write(string name, string text)
            {
                var path = Path.Combine(directory.FullName, name);
                File.WriteAllText(path, text);
                return path;
            }

            var pem = s_root.Certificate.ExportCertificatePem();
            var roots = TrustedRoots.Load([Write("one.pem", pem), Write("two.pem", $"a comment\n{pem}\n{s_intermediate.Certificate.ExportCertificatePem()}")]);
            Assert.Equal(3, roots.Extra.Length);
            Assert.False(roots.Extra[0].HasPrivateKey);
            Assert.Equal("Pkix", Judge(new PkixCheck(roots, _clock), s_leaf, s_intermediate));
            var endless = new string('\n', 5 * 1024 * 1024) + pem;
            foreach (var wrong in (string[])["", "words", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", endless])
            {
                var path = Write("wrong.pem", wrong);
                Assert.Contains(path, Assert.Throws<InvalidDataException>(() => TrustedRoots.Load([path])).Message, StringComparison.Ordinal);
            }

            Assert.Throws<FileNotFoundException>(() => TrustedRoots.Load([Path.Combine(directory.FullName, "missing.pem")]));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    PkixCheck Check() => new(TrustedRoots.Of(s_root.Certificate), _clock);

    string Judge(X509Certificate2 leaf, params TestAuthority[] sent) => Judge(Check(), leaf, sent);

    string Judge(X509Certificate2 leaf, X509Certificate2[] sent) => Describe(Check().Judge(new PeerChain(leaf, [leaf, .. sent], ""), ["mx.example.org"]));

    static string Judge(PkixCheck check, X509Certificate2 leaf, params TestAuthority[] sent) => Judge(check, leaf, sent, ["mx.example.org"]);

    static string Judge(PkixCheck check, X509Certificate2 leaf, TestAuthority[] sent, ImmutableArray<string> references) =>
        Describe(check.Judge(new PeerChain(leaf, [leaf, .. sent.Select(authority => authority.Certificate)], "mx.example.org"), references));

    static string Describe(PeerVerdict verdict)
    {
        Assert.Equal(verdict.Failures.IsEmpty, verdict.Identity == PeerIdentity.Pkix);
        return verdict.Failures.IsEmpty ? "Pkix" : string.Join(", ", verdict.Failures.Select(failure => $"{failure.Type} {failure.ReasonCode}"));
    }
}
