using System.Collections.Immutable;
using DnsClient;
using DnsClient.Protocol;

namespace Hopseal.Dns;

/// <summary>What one reply says of the name that was asked, followed from owner to owner through its answer section.
/// Records that are not on that way are not looked at.</summary>
abstract record AnswerReading
{
    // RFC 2308 §5 allows hours; a mail domain that has just got its records should not wait for them.
    static readonly TimeSpan s_longestNegative = TimeSpan.FromMinutes(15);

    AnswerReading()
    {
    }

    public sealed record Records(ImmutableArray<DnsResourceRecord> Found, DomainName Owner, TimeSpan Ttl) : AnswerReading;

    /// <summary>The reply ends in an alias; its target has to be asked for.</summary>
    public sealed record Alias(DomainName Target, int AliasesLeft, TimeSpan Ttl) : AnswerReading;

    /// <param name="KeepFor">Zero without an SOA record: not to be cached (RFC 2308 §5).</param>
    public sealed record Absent(bool NameExists, TimeSpan KeepFor) : AnswerReading;

    public sealed record Malformed(string Why) : AnswerReading;

    /// <param name="response">NOERROR or NXDOMAIN, with the question already checked.</param>
    /// <param name="aliasesLeft">How many CNAMEs may still be followed.</param>
    public static AnswerReading Read(IDnsQueryResponse response, DomainName name, QueryType type, int aliasesLeft)
    {
        var owner = name;
        var ttl = TimeSpan.MaxValue;
        var wanted = (ResourceRecordType)type;
        while (true)
        {
            ImmutableArray<DnsResourceRecord> here = [.. response.Answers.Where(record =>
                (record.RecordType == wanted || record.RecordType == ResourceRecordType.CNAME)
                && record.RecordClass == QueryClass.IN
                && SameName(record.DomainName, owner.Ascii))];
            ImmutableArray<DnsResourceRecord> found = [.. here.Where(record => record.RecordType == wanted)];
            if (!found.IsEmpty)
            {
                return new Records(found, owner, Shortest(ttl, found));
            }

            if (here.IsEmpty)
            {
                return AtEndOfChain(response, name, owner, aliasesLeft, ttl);
            }

            if (!TryFollow(here, ref owner, ref aliasesLeft, out var why))
            {
                return new Malformed(why);
            }

            ttl = Shortest(ttl, here);
        }
    }

    /// <summary>Compares a name as it came in a reply; only ASCII case is the same (RFC 4343 §3).</summary>
    /// <param name="received">Its <see cref="DnsString.Original"/> is the text of the packet, for owner and question names.</param>
    public static bool SameName(DnsString received, string name) =>
        received.Original.AsSpan().TrimEnd('.').Equals(name.AsSpan().TrimEnd('.'), StringComparison.OrdinalIgnoreCase);

    static bool TryFollow(ImmutableArray<DnsResourceRecord> aliases, ref DomainName owner, ref int aliasesLeft, out string why)
    {
        why = "";
        var target = ((CNameRecord)aliases[0]).CanonicalName.Value;
        if (aliases.Any(alias => !target.Equals(((CNameRecord)alias).CanonicalName.Value, StringComparison.OrdinalIgnoreCase)))
        {
            why = $"{owner} is an alias of more than one name";
        }
        else if (!DomainName.TryParse(target, out var next))
        {
            why = $"{owner} is an alias of something that is no name";
        }
        else if (aliasesLeft-- == 0)
        {
            why = "too many aliases, or a loop of them";
        }
        else
        {
            owner = next;
        }

        return why.Length == 0;
    }

    static AnswerReading AtEndOfChain(IDnsQueryResponse response, DomainName asked, DomainName owner, int aliasesLeft, TimeSpan ttl)
    {
        // The code speaks of the last name of a chain of aliases (RFC 6604 §3).
        var nameExists = response.Header.ResponseCode == DnsHeaderResponseCode.NoError;
        if (owner == asked && response.Answers.Count > 0)
        {
            return new Malformed("the answer is for another name");
        }

        if (response.Authorities.OfType<SoaRecord>().FirstOrDefault(soa => IsWithin(owner, soa.DomainName)) is { } soa)
        {
            var minimum = TimeSpan.FromSeconds(Math.Min(Seconds(soa), Math.Min(soa.Minimum, int.MaxValue)));
            var shortest = minimum < s_longestNegative ? minimum : s_longestNegative;
            return new Absent(nameExists, shortest < ttl ? shortest : ttl);
        }

        if (!nameExists)
        {
            return new Absent(NameExists: false, TimeSpan.Zero);
        }

        if (owner != asked)
        {
            return new Alias(owner, aliasesLeft, ttl);
        }

        // A referral is no statement about the name (RFC 2308 §2.2, RFC 1034 §4.3.1).
        return response.Authorities.OfType<NsRecord>().Any()
            ? new Malformed("a referral instead of an answer: the server does not resolve")
            : new Absent(NameExists: true, TimeSpan.Zero);
    }

    static bool IsWithin(DomainName name, DnsString zone) =>
        zone.Original == "." || (DomainName.TryParse(zone.Original, out var apex) && name.IsWithin(apex));

    static TimeSpan Shortest(TimeSpan ttl, ImmutableArray<DnsResourceRecord> records)
    {
        var shortest = TimeSpan.FromSeconds(records.Min(Seconds));
        return shortest < ttl ? shortest : ttl;
    }

    // A TTL with the top bit set counts as zero (RFC 2181 §8).
    static int Seconds(DnsResourceRecord record) => Math.Max(0, record.InitialTimeToLive);
}
