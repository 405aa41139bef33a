using Hopseal.Interop.Tests.Fixtures;

namespace Hopseal.Interop.Tests;

/// <summary>Somebody on the path against everything that can be published or configured: what becomes of a message, and what he can read of
/// it.</summary>
public sealed class AttackerTests(AttackedRoute route) : IClassFixture<AttackedRoute>
{
    const string Plain = "delivered everything";
    const string Safe = "delivered nothing";
    const string Waits = "deferred nothing";
    const string Returned = "bounced nothing";

    /// <summary>Each line: what is published or configured, then for each attack what became of the message and what of it the attacker read.</summary>
    /// <remarks>Where nothing asks for more, mail goes in plaintext to who offers no more (RFC 7435 §3), but not at once to who refuses what he offers. Where
    /// encryption is all that is asked for, whoever has a certificate may be the host: only an authenticated hop keeps out the one who swaps
    /// it.</remarks>
    static readonly (Guard Guard, string None, string Strip, string Mask, string Refuse, string Swap)[] s_table =
    [
        (Guard.Nothing, Safe, Plain, Plain, Waits, Plain),
        (Guard.StsTesting, Safe, Plain, Plain, Waits, Plain),
        (Guard.Exception, Safe, Plain, Plain, Waits, Plain),
        (Guard.Proven, Safe, Waits, Waits, Waits, Plain),
        (Guard.OperatorEncrypted, Safe, Waits, Waits, Waits, Plain),
        (Guard.OperatorAuthenticated, Safe, Waits, Waits, Waits, Waits),
        (Guard.StsEnforce, Safe, Waits, Waits, Waits, Waits),
        (Guard.Dane, Safe, Waits, Waits, Waits, Waits),
        (Guard.RequireTls, Safe, Returned, Returned, Waits, Returned),
    ];

    public static TheoryData<Guard, Attack, string> Cells() =>
    [
        .. s_table.SelectMany(line => ((Attack, string)[])
        [
            (Attack.None, line.None), (Attack.Strip, line.Strip), (Attack.Mask, line.Mask), (Attack.Refuse, line.Refuse), (Attack.Swap, line.Swap),
        ], (line, cell) => new TheoryDataRow<Guard, Attack, string>(line.Guard, cell.Item1, cell.Item2)),
    ];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Cells))]
    public async Task No_message_leaks_below_what_is_asked_for_it(Guard guard, Attack attack, string expected)
    {
        Assert.SkipWhen(AttackedRoute.Unavailable is not null, AttackedRoute.Unavailable ?? "");
        var (outcome, read, story) = await route.TryAsync(guard, attack, TestContext.Current.CancellationToken);
        Assert.True(expected == $"{outcome} {read}", $"{outcome} {read} instead of {expected}: {story}");
    }
}
