using Hopseal.Audit.Facts;
using Hopseal.Dns;

namespace Hopseal.Audit.Probes;

/// <summary>Finds the CAA records that count for a host: from its name up to the top, the first that has any (RFC 8659 §3).</summary>
sealed class CaaClimb(IDnsResolver resolver)
{
    const int MostRecords = 20;

    /// <summary>No authority asks for more; what is deeper is somebody's joke, or an attempt to make us ask.</summary>
    const int MostLabels = 16;

    /// <summary>Throws only when cancelled.</summary>
    public async Task<CaaFacts> FindAsync(DomainName host, CancellationToken cancel)
    {
        var labels = host.Ascii.Split('.');
        if (labels.Length > MostLabels)
        {
            return new CaaFacts(null, [], $"a name of {labels.Length} labels");
        }

        for (var first = 0; first < labels.Length; first++)
        {
            // The part of a name behind a dot is a name.
            switch (await resolver.CaaAsync(DomainName.Parse(string.Join('.', labels[first..])), cancel))
            {
                case DnsAnswer<CaaRecord>.Found found:
                    return new CaaFacts(
                        string.Join('.', labels[first..]), [.. found.Records.Take(MostRecords).Select(record => ProbeTranscript.Clean(record.ToString()))])
                    {
                        Restricts = found.Records.Any(record => record.Tag == "issue"),
                    };
                case DnsAnswer<CaaRecord>.Failed failed:
                    return new CaaFacts(null, [], ProbeTranscript.Clean(failed.Detail));
                default:
                    continue;
            }
        }

        return new CaaFacts(null, []);
    }
}
