namespace Hopseal.Interop.Tests.Fixtures;

/// <summary>RFC 5321 §4.5.2, written here once more on purpose: the test does not borrow what it tests.</summary>
static class DotStuffing
{
    /// <summary>Doubles the dots at line starts and adds the final one, after a line end where there was none.</summary>
    public static byte[] Apply(ReadOnlySpan<byte> content)
    {
        var output = new List<byte>(content.Length + 16);
        var atLineStart = true;
        foreach (var octet in content)
        {
            if (atLineStart && octet == '.')
            {
                output.Add(octet);
            }

            output.Add(octet);
            atLineStart = octet == '\n';
        }

        output.AddRange(atLineStart ? ".\r\n"u8 : "\r\n.\r\n"u8);
        return [.. output];
    }
}
