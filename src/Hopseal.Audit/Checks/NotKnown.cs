using Hopseal.Audit.Findings;

namespace Hopseal.Audit.Checks;

/// <summary>What is said where something could not be found out.</summary>
static class NotKnown
{
    /// <summary>Unknown; but where even the worst answer would have been information, not knowing it is no more than that, and must not hide
    /// what the other checks say together.</summary>
    /// <param name="worst">What a bad answer would have been.</param>
    public static Verdict Of(Verdict worst) => worst is Verdict.Ok or Verdict.Info ? Verdict.Info : Verdict.Unknown;
}
