namespace Hopseal.Reports.Evidence;

/// <summary>How evidence is kept.</summary>
public sealed record EvidenceOptions
{
    /// <summary>Whole days (UTC) before today; 0: no evidence is kept. Three years and a day: a claim that is barred after three years is still
    /// answered.</summary>
    public int Days { get; init; } = 1096;

    public AddressUse Addresses { get; init; } = AddressUse.Pseudonym;
}
