using System.Security.Cryptography;
using Hopseal.Configuration;

namespace Hopseal.Tests.Configuration;

/// <summary>What belongs to a certificate: the next key, and the names that MX records have for us.</summary>
public sealed class CertificateSettingTests : IDisposable
{
    readonly Workspace _workspace = new();

    public CertificateSettingTests() => _workspace.WriteCertificate("mx").Dispose();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(25, null, "mx1.example.org")]
    [InlineData(2525, null, "")]
    [InlineData(2525, "mx2.example.org", "mx2.example.org")]
    [InlineData(25, "mx2.example.org", "mx2.example.org")]
    public void Without_MxNames_it_is_our_name_where_MX_records_can_lead(int port, string? names, string expected)
    {
        var more = names is null ? "" : $", \"MxNames\": [ \"{names}\" ]";
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load("", port, more));
        Assert.Equal(expected, string.Join(' ', usable.Configuration.MxNames));
        Assert.Equal(
            expected.Length == 0 || names is null ? ["mx1.example.org"] : ["mx1.example.org", expected],
            usable.Configuration.RoutingOn(new DateOnly(2026, 5, 1)).OwnNames.Select(name => name.Ascii).Order());
    }

    public static TheoryData<string, string> NextKeys => new()
    {
        { "", "error: DIR/next.key holds no private key (ECDSA or RSA) in PEM form without passphrase" },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "error: DIR/next.key holds no private key (ECDSA or RSA) in PEM form without passphrase" },
        { "PUBLIC", "error: DIR/next.key holds no private key (ECDSA or RSA) in PEM form without passphrase" },
        { "ENCRYPTED", "error: DIR/next.key holds no private key (ECDSA or RSA) in PEM form without passphrase" },
        { new string('x', 70_000), "error: DIR/next.key is larger than 65536 octets" },
        { "CURRENT", "warning: is the key of the certificate in use, and no next one; move it away, and `hopseal certificate next-key` makes another" },
        { "OTHER", "" },
    };

    [Theory]
    [MemberData(nameof(NextKeys))]
    public void A_next_key_is_read_if_it_is_there(string content, string expected)
    {
        using var key = ECDsa.Create();
        _workspace.WriteSecret("next.key", content switch
        {
            "PUBLIC" => key.ExportSubjectPublicKeyInfoPem(),
            "ENCRYPTED" => key.ExportEncryptedPkcs8PrivateKeyPem(
                "geheim", new(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000)),
            "CURRENT" => File.ReadAllText(_workspace.PathOf("mx.key")),
            "OTHER" => key.ExportECPrivateKeyPem(),
            _ => content,
        });
        Assert.Equal(expected, Assert.Single(NextKeyFaults().DefaultIfEmpty("")));
    }

    [Fact]
    public void A_next_key_that_is_not_there_yet_is_a_warning()
    {
        Assert.Equal(["warning: DIR/next.key does not exist; `hopseal certificate next-key` makes it"], NextKeyFaults());
    }

    string[] NextKeyFaults()
    {
        var faults = Load(""", "NextKey": "next.key" """) switch
        {
            ConfigurationResult.Faulty faulty => faulty.Faults,
            ConfigurationResult.Usable usable => usable.Warnings,
            _ => [],
        };
        Assert.All(faults, fault => Assert.Equal("Certificates[0].NextKey", fault.Key));
        return
        [
            .. faults.Select(fault =>
                $"{(fault.Severity is Severity.Error ? "error" : "warning")}: {fault.Message.Replace(_workspace.Directory, "DIR", StringComparison.Ordinal)}")
        ];
    }

    ConfigurationResult Load(string certificate, int port = 25, string more = "")
    {
        _workspace.Write("hopseal.json", $$"""
            {
            "Hostname": "mx1.example.org",
            "DataDirectory": ".",
            "Certificates": [ { "Chain": "mx.pem", "Key": "mx.key"{{certificate}} } ],
            "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:{{port}}", "Mode": "StartTls" } ],
            "RelayFrom": [ "127.0.0.0/8" ]{{more}}
            }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }
}
