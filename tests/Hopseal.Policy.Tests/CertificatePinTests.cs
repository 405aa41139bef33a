using System.Globalization;
using FsCheck;
using FsCheck.Xunit;

namespace Hopseal.Policy.Tests;

public sealed class CertificatePinTests
{
    const string Digits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("sha256:" + Digits, "sha256:" + Digits)]
    [InlineData("SPKI-SHA256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "spki-sha256:" + Digits)]
    [InlineData(
        "sha256:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef", "sha256:" + Digits)]
    public void A_fingerprint_is_read_as_tools_print_it(string text, string expected)
    {
        Assert.True(CertificatePin.TryParse(text, out var pin));
        Assert.Equal(expected, pin.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(Digits)]
    [InlineData("sha256:")]
    [InlineData("sha1:0123456789abcdef0123456789abcdef01234567")]
    [InlineData("sha256:" + Digits + "0")]
    [InlineData("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde")]
    [InlineData("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg")]
    [InlineData("sha256:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd-ef")]
    [InlineData("sha256:012:3:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef")]
    [InlineData(" sha256:" + Digits)]
    public void What_is_no_fingerprint_is_not_taken_for_one(string text) => Assert.False(CertificatePin.TryParse(text, out _));

    [Property]
    public void Anything_is_read_or_refused(NonNull<string> text, byte[] octets)
    {
        _ = CertificatePin.TryParse(text.Get, out _);
        var hex = Convert.ToHexString(octets);
        Assert.Equal(octets.Length == 32, CertificatePin.TryParse(string.Create(CultureInfo.InvariantCulture, $"sha256:{hex}"), out _));
    }
}
