using Hopseal.Reports.Evidence;

namespace Hopseal.Configuration;

/// <summary>The section <c>Evidence</c>: how long evidence is kept, and what it says of people.</summary>
static class EvidenceSettings
{
    public static EvidenceOptions Read(Section section)
    {
        var standard = new EvidenceOptions();
        var options = new EvidenceOptions
        {
            Days = section.Find("Days")?.Whole(0, 36_500) ?? standard.Days,
            Addresses = section.Find("Addresses")?.Choice<AddressUse>() ?? standard.Addresses,
        };
        section.Close();
        return options;
    }
}
