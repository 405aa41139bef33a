using System.Security.Cryptography;
using Hopseal.Configuration;
using Hopseal.Dns;

namespace Hopseal.Tests.Configuration;

/// <summary>The section TlsReports.Send: what is wrong with it, by line, key and message.</summary>
public sealed class ReportSendingSettingsTests : IDisposable
{
    const string Who = "\"Organization\": \"Example\", \"Contact\": \"tls@example.org\"";
    const string Dkim = "\"Dkim\": { \"Selector\": \"tlsrpt\", \"KeyFile\": \"good.pem\" }";

    // Made once: making one takes longer than all the rest.
    static readonly RSA s_good = RSA.Create(2048);
    static readonly RSA s_small = RSA.Create(1024);
    static readonly RSA s_tiny = RSA.Create(512);

    readonly Workspace _workspace = new();

    public ReportSendingSettingsTests()
    {
        _workspace.WriteSecret("good.pem", s_good.ExportPkcs8PrivateKeyPem());
        _workspace.WriteSecret("public.pem", s_good.ExportSubjectPublicKeyInfoPem());
        _workspace.WriteSecret("small.pem", s_small.ExportRSAPrivateKeyPem());
        _workspace.WriteSecret("tiny.pem", s_tiny.ExportRSAPrivateKeyPem());
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _workspace.WriteSecret("curve.pem", curve.ExportPkcs8PrivateKeyPem());
        _workspace.WriteSecret("noise.pem", "no key");
    }

    public void Dispose() => _workspace.Dispose();

    /// <summary>The fragment begins in line 6.</summary>
    public static TheoryData<string, string[]> Fragments => new()
    {
        { Dkim, ["6: TlsReports.Send.Organization: is missing", "6: TlsReports.Send.Contact: is missing"] },
        { Who, ["6: warning: TlsReports.Send: without Dkim no report goes by mail, which is where most domains want them"] },
        { $"\"Organization\": \"Example\", \"Contact\": \"example.org\", {Dkim}", ["6: TlsReports.Send.Contact: \"example.org\" is not a mail address, such as tls-reports@example.org"] },
        { $"\"Organization\": \"Example\", \"Contact\": \"Tls <tls@example.org>\", {Dkim}", ["6: TlsReports.Send.Contact: \"Tls <tls@example.org>\" is not a mail address, such as tls-reports@example.org"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"a b\",\n\"KeyFile\": \"good.pem\" }}", ["6: TlsReports.Send.Dkim.Selector: \"a b\" is not a selector, such as tlsrpt"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\" }}", ["6: TlsReports.Send.Dkim.KeyFile: is missing"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\",\n\"KeyFile\": \"none.pem\" }}", ["7: TlsReports.Send.Dkim.KeyFile: {0}/none.pem does not exist"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\",\n\"KeyFile\": \"noise.pem\" }}", ["7: TlsReports.Send.Dkim.KeyFile: {0}/noise.pem does not hold an RSA private key in PEM, without a password"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\",\n\"KeyFile\": \"public.pem\" }}", ["7: TlsReports.Send.Dkim.KeyFile: {0}/public.pem does not hold an RSA private key in PEM, without a password"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\",\n\"KeyFile\": \"curve.pem\" }}", ["7: TlsReports.Send.Dkim.KeyFile: {0}/curve.pem does not hold an RSA private key in PEM, without a password"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\",\n\"KeyFile\": \"tiny.pem\" }}", ["7: TlsReports.Send.Dkim.KeyFile: {0}/tiny.pem has 512 bits; receivers take no key of less than 1024"] },
        { $"{Who}, \"Dkim\": {{ \"Selector\": \"tlsrpt\",\n\"KeyFile\": \"small.pem\" }}", ["7: warning: TlsReports.Send.Dkim.KeyFile: {0}/small.pem has 1024 bits; 2048 are better (RFC 8301 §3.2)"] },
        { $"{Who}, {Dkim}, \"Except\": [ \"*.example.net\",\n\"*\", 1 ]", [
            "7: TlsReports.Send.Except[1]: \"*\" is neither a domain nor *. and a domain",
            "7: TlsReports.Send.Except[2]: expected a text, found a number"] },
        { $"{Who}, {Dkim}, \"SpreadHours\": 13", ["6: TlsReports.Send.SpreadHours: 13 is not between 0 and 12"] },
        { $"{Who}, {Dkim}, \"DryRun\": \"yes\"", ["6: TlsReports.Send.DryRun: expected true or false, found a text"] },
        { $"{Who}, {Dkim}, \"Organisation\": \"x\"", ["6: TlsReports.Send.Organisation: there is no such key; did you mean Organization?"] },
    };

    [Theory]
    [MemberData(nameof(Fragments))]
    public void Every_fault_is_named_with_its_line_and_its_key(string fragment, string[] expected) => Assert.Equal(
        expected.Select(line => line.Replace("{0}", _workspace.Directory, StringComparison.Ordinal)),
        Load(fragment) switch
        {
            ConfigurationResult.Faulty faulty => Shown(faulty.Faults),
            ConfigurationResult.Usable usable => Shown(usable.Warnings),
            var unknown => throw new InvalidOperationException($"{unknown}"),
        });

    [Fact]
    public void What_is_right_is_taken()
    {
        var usable = Assert.IsType<ConfigurationResult.Usable>(Load($"{Who}, {Dkim}, \"Except\": [ \"a.example\", \"*.b.example\" ], \"SpreadHours\": 0, \"Days\": 7, \"DryRun\": true"));
        Assert.Empty(Shown(usable.Warnings));
        var options = usable.Configuration.ReportSending.Options!;
        Assert.Equal(("Example", "tls@example.org", TimeSpan.Zero, 7, true), (options.Organization, $"{options.Contact}", options.Spread, options.Days, options.DryRun));
        Assert.True(IsExcepted("a.example"));
        Assert.False(IsExcepted("x.a.example"));
        Assert.False(IsExcepted("b.example"));
        Assert.True(IsExcepted("x.b.example"));
        var dkim = usable.Configuration.ReportSending.Dkim!;
        Assert.Equal("tlsrpt._domainkey.example.org", dkim.Owner.Ascii);
        Assert.StartsWith("v=DKIM1; k=rsa; s=tlsrpt; p=MII", dkim.Record, StringComparison.Ordinal);

        bool IsExcepted(string name) => options.IsExcepted(DomainName.Parse(name));
    }

    [Fact]
    public void It_can_be_turned_off() =>
        Assert.Null(Assert.IsType<ConfigurationResult.Usable>(Load($"{Who}, {Dkim}, \"Enabled\": false")).Configuration.ReportSending.Options);

    ConfigurationResult Load(string fragment)
    {
        _workspace.Write(
            "hopseal.json",
            $$"""
            { "Hostname": "mx1.example.org",
              "DataDirectory": ".",
              "Listeners": [ { "Name": "mx", "Endpoint": "127.0.0.1:25", "Mode": "StartTls" } ],
              "MxNames": [], "Domains": { "example.org": { "Maildir": "mail" } },
              "TlsReports": { "Send":
              { {{fragment}} } } }
            """);
        return ConfigurationFile.Load("hopseal.json", _workspace.Directory, [], TimeProvider.System);
    }

    static string[] Shown(IEnumerable<ConfigFault> faults) => [.. faults.Where(fault => fault.Key.StartsWith("TlsReports", StringComparison.Ordinal)).Select(fault => $"{fault}"["hopseal.json:".Length..])];
}
