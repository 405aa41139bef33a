namespace Hopseal.Commands;

/// <summary>The same over all commands.</summary>
static class ExitCode
{
    public const int Done = 0;

    /// <summary>The answer is no: refused, faults found.</summary>
    public const int No = 1;

    /// <summary>The command line or the configuration is wrong.</summary>
    public const int Usage = 2;

    /// <summary>It could not be found out, or not now.</summary>
    public const int Unknown = 3;

    /// <summary>A fault of ours (EX_SOFTWARE of sysexits.h).</summary>
    public const int Internal = 70;
}
