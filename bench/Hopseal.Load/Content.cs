using System.Text;

namespace Hopseal.Load;

/// <summary>A message that no compression makes smaller, with the line of a dot that ends it.</summary>
static class Content
{
    const int LineLength = 76;

    public static byte[] Make(int size, string from, string to)
    {
        var text = new StringBuilder(
            $"From: <{from}>\r\nTo: <{to.Replace('%', '0')}>\r\nSubject: load\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
            + "Message-ID: <load@load.example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n");
        var random = new Random(12345);
        while (text.Length < size - 2)
        {
            var length = Math.Min(LineLength, size - 2 - text.Length);
            text.Append(random.GetItems<char>("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", length)).Append("\r\n");
        }

        if (text[^1] != '\n')
        {
            text.Append("\r\n");
        }

        return Encoding.ASCII.GetBytes(text.Append(".\r\n").ToString());
    }
}
