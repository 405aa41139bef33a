using System.Collections.Immutable;
using System.Net;

namespace Hopseal.Dns;

/// <summary>Answers from a text instead of a network, with the DNSSEC status the text says. For <c>hopseal demo</c> and tests.</summary>
/// <remarks><code>
/// ; name            [ttl]  type   data
/// $SECURE on               ; what follows is signed, until $SECURE off; off at the start
/// $TTL 300                 ; for records without their own; 3600 at the start
/// example.org              MX     10 mx.example.org
/// mx.example.org    60     A      192.0.2.1
/// $SECURE off
/// null.example             MX     0 .
/// www.example              CNAME  mx.example.org
/// broken.example           FAIL   MX bogus    ; this question fails; the word or words after it go into the detail
/// </code>
/// Names are absolute, with or without the final dot. Types: MX, A, AAAA, CNAME, PTR, TLSA (three numbers and hexadecimal digits), CAA (a number, a tag, and
/// the value), TXT (the rest of the line is the text; <c>;</c> in it is written <c>\;</c>), and FAIL, which makes the question of the
/// type after it (or <c>ANY</c>) fail with SERVFAIL. A name that has records, or has names with records below it, exists. A negative
/// answer is as secure as the records of the closest name above it that has any.</remarks>
public sealed class ZoneResolver : IDnsResolver
{
    const int MaxAliases = 8;

    readonly ImmutableDictionary<DomainName, ImmutableArray<ZoneRecord>> _records;

    ZoneResolver(ImmutableDictionary<DomainName, ImmutableArray<ZoneRecord>> records) => _records = records;

    /// <exception cref="FormatException">Names every line that cannot be read, one per line of its message.</exception>
    public static ZoneResolver Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new ZoneResolver(ZoneText.Read(text)
            .GroupBy(record => record.Owner)
            .ToImmutableDictionary(group => group.Key, group => group.ToImmutableArray()));
    }

    public ValueTask<DnsAnswer<MxRecord>> MxAsync(DomainName name, CancellationToken cancel) => Ask<MxRecord>(name, "MX", cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv4Async(DomainName name, CancellationToken cancel) => Ask<IPAddress>(name, "A", cancel);

    public ValueTask<DnsAnswer<IPAddress>> Ipv6Async(DomainName name, CancellationToken cancel) => Ask<IPAddress>(name, "AAAA", cancel);

    public ValueTask<DnsAnswer<TlsaRecord>> TlsaAsync(DomainName name, CancellationToken cancel) => Ask<TlsaRecord>(name, "TLSA", cancel);

    public ValueTask<DnsAnswer<string>> TxtAsync(DomainName name, CancellationToken cancel) => Ask<string>(name, "TXT", cancel);

    public ValueTask<DnsAnswer<DomainName>> CnameAsync(DomainName name, CancellationToken cancel) => Ask<DomainName>(name, "CNAME", cancel);

    public ValueTask<DnsAnswer<CaaRecord>> CaaAsync(DomainName name, CancellationToken cancel) => Ask<CaaRecord>(name, "CAA", cancel);

    public ValueTask<DnsAnswer<DomainName>> PtrAsync(DomainName name, CancellationToken cancel) => Ask<DomainName>(name, "PTR", cancel);

    ValueTask<DnsAnswer<T>> Ask<T>(DomainName name, string type, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancel.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Answer<T>(name, type));
    }

    DnsAnswer<T> Answer<T>(DomainName name, string type)
    {
        var owner = name;
        var secure = true;
        var ttl = TimeSpan.MaxValue;
        for (var aliases = 0; aliases <= MaxAliases; aliases++)
        {
            var here = _records.GetValueOrDefault(owner, []);
            if (here.FirstOrDefault(record => record.Type == "FAIL" && ((Failure)record.Data).Covers(type)) is { } failing)
            {
                return new DnsAnswer<T>.Failed(DnsFailureKind.ServerFailure, $"{owner} {type}: SERVFAIL, {((Failure)failing.Data).Detail}");
            }

            ImmutableArray<ZoneRecord> found = [.. here.Where(record => record.Type == type)];
            if (!found.IsEmpty)
            {
                secure &= found.All(record => record.Secure);
                var shortest = found.Min(record => record.Ttl);
                return new DnsAnswer<T>.Found(
                    [.. found.Select(record => (T)record.Data)], owner, Status(secure), shortest < ttl ? shortest : ttl);
            }

            if (here.FirstOrDefault(record => record.Type == "CNAME") is not { } alias)
            {
                return Absent<T>(owner, secure);
            }

            secure &= alias.Secure;
            ttl = alias.Ttl < ttl ? alias.Ttl : ttl;
            owner = (DomainName)alias.Data;
        }

        return new DnsAnswer<T>.Failed(DnsFailureKind.Malformed, $"{name} {type}: too many aliases, or a loop of them");
    }

    DnsAnswer<T> Absent<T>(DomainName name, bool secure)
    {
        var closest = _records.Keys.Where(name.IsWithin).MaxBy(above => above.Ascii.Length);
        var status = Status(secure && closest is not null && _records[closest].All(record => record.Secure));
        return _records.Keys.Any(below => below.IsWithin(name))
            ? new DnsAnswer<T>.NoData(status)
            : new DnsAnswer<T>.NameError(status);
    }

    static DnssecStatus Status(bool secure) => secure ? DnssecStatus.Secure : DnssecStatus.Insecure;

    /// <param name="Data">An <see cref="MxRecord"/>, an address, the target of a CNAME or PTR, a <see cref="TlsaRecord"/>, a <see cref="CaaRecord"/>, the text of a TXT, or a
    /// <see cref="Failure"/>.</param>
    internal sealed record ZoneRecord(DomainName Owner, string Type, object Data, TimeSpan Ttl, bool Secure);

    internal sealed record Failure(string Type, string Detail)
    {
        public bool Covers(string type) => Type == "ANY" || Type == type;
    }
}
