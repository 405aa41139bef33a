using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hopseal.Reports.Store;
using Microsoft.Data.Sqlite;

namespace Hopseal.Reports.Tlsrpt.Receiving;

/// <summary>What came in and is no report that can be taken, kept for a person to look at, and bounded in number and octets.</summary>
static class AsideRows
{
    /// <summary>Once, however often it comes.</summary>
    public static void Add(SqliteConnection connection, ReportSource source, string why, ReadOnlySpan<byte> octets, long size, IntakeLimits limits)
    {
        var (proof, detail) = ProofWords.Of(source.Proof);
        var isKept = octets.Length == size && size <= limits.AsideOctetsEach;
        connection.Run(
            """
            INSERT INTO tlsrpt_aside (digest, received, origin, sender, proof, proof_detail, reason, octets, content)
            VALUES ($digest, $received, $origin, $sender, $proof, $detail, $reason, $octets, $content)
            ON CONFLICT (digest) DO NOTHING
            """,
            ("$digest", DigestOf(source, octets, size)),
            ("$received", source.ReceivedAt.ToUnixTimeMilliseconds()),
            ("$origin", source.Origin.ToString()),
            ("$sender", source.From),
            ("$proof", proof),
            ("$detail", detail),
            ("$reason", why),
            ("$octets", size),
            ("$content", isKept ? octets.ToArray() : null));
        MakeRoom(connection, source.Origin.ToString(), limits);
    }

    /// <param name="oldest">A day number.</param>
    public static void DeleteBefore(SqliteConnection connection, int oldest) => connection.Run(
        "DELETE FROM tlsrpt_aside WHERE received < $oldest",
        ("$oldest", new DateTimeOffset(DateOnly.FromDayNumber(oldest).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeMilliseconds()));

    /// <summary>Of the content; where there is none, of what else is known.</summary>
    static byte[] DigestOf(ReportSource source, ReadOnlySpan<byte> octets, long size) => SHA256.HashData(
        octets.IsEmpty ? Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{size} from {source.From} on {ReportRows.DayOf(source.ReceivedAt)}")) : octets);

    /// <summary>What anybody can send by HTTPS displaces no mail.</summary>
    static void MakeRoom(SqliteConnection connection, string origin, IntakeLimits limits)
    {
        connection.Run(
            """
            DELETE FROM tlsrpt_aside WHERE origin = $origin
                AND id <= (SELECT id FROM tlsrpt_aside WHERE origin = $origin ORDER BY id DESC LIMIT 1 OFFSET $most)
            """,
            ("$origin", origin), ("$most", limits.Aside));
        while (connection.Number(
            "SELECT total(octets) > $most FROM tlsrpt_aside WHERE origin = $origin AND octets <= $each",
            ("$origin", origin), ("$most", limits.AsideOctets), ("$each", limits.AsideOctetsEach)) == 1)
        {
            connection.Run("DELETE FROM tlsrpt_aside WHERE id = (SELECT min(id) FROM tlsrpt_aside WHERE origin = $origin)", ("$origin", origin));
        }
    }
}
