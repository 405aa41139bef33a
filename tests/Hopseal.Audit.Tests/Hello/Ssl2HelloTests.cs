using FsCheck.Xunit;
using Hopseal.Audit.Hello;

namespace Hopseal.Audit.Tests.Hello;

public sealed class Ssl2HelloTests
{
    /// <summary>The octets of the old specification: a record of two octets of head, CLIENT-HELLO, version 2, seven ciphers, no session, a
    /// challenge of 16 octets.</summary>
    [Fact]
    public void It_is_a_hello_of_SSL_2()
    {
        var record = Ssl2Hello.ToRecord();

        Assert.Equal(
            "802E" + "01" + "0002" + "0015" + "0000" + "0010" + "010080" + "020080" + "030080" + "040080" + "050080" + "060040" + "0700C0", Convert.ToHexString(record[..32]));
        Assert.Equal(48, record.Length);
    }

    /// <summary>Whatever comes, and in whatever pieces: it is read without an exception, and more octets change no answer.</summary>
    [Property]
    public bool Any_octets_are_read(byte[] octets)
    {
        HelloAnswer? answer = null;
        for (var length = 0; length <= octets.Length; length++)
        {
            var now = Ssl2Hello.Read(octets.AsSpan(0, length));
            if (answer is not null && now != answer)
            {
                return false;
            }

            answer = now;
        }

        return true;
    }
}
