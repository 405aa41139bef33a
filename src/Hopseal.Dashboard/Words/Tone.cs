namespace Hopseal.Dashboard.Words;

/// <summary>How something is to be taken.</summary>
public enum Tone
{
    Good,
    Plain,
    Attention,
    Bad,
}
