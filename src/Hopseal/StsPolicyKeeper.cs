using System.Globalization;
using System.Threading.Channels;
using Hopseal.Policy.MtaSts;
using Microsoft.Extensions.Logging;

namespace Hopseal;

/// <summary>Keeps the MTA-STS policies of other domains over restarts, and tells the log of them. A policy is on disk moments after it was fetched: who
/// can crash the gateway should not gain a first contact by it (RFC 8461 §10.2). A fault of the file costs that, and nothing else.</summary>
sealed partial class StsPolicyKeeper(StsPolicyFile file, TimeProvider clock, ILogger<StsPolicyKeeper> log)
{
    // Many new policies at once are one write.
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Restore(StsPolicies policies)
    {
        try
        {
            var (stored, damaged) = file.Load();
            policies.Restore(stored);
            if (damaged > 0)
            {
                LogDamaged(damaged);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFault(e);
        }
    }

    /// <summary>For <see cref="StsOptions.Tell"/>.</summary>
    public void Tell(StsNews news)
    {
        switch (news)
        {
            case StsNews.Fetched { Now: var kept, Before: var before }:
                _changes.Writer.TryWrite(true);
                if (kept.Policy != before)
                {
                    LogFetched(
                        kept.Domain.Ascii, StsPolicyText.Write(kept.Policy.Mode), kept.Policy.Id, string.Join(", ", kept.Policy.Mx), Shown(kept.ExpiresAt));
                }

                break;
            case StsNews.Failed { Kept: { Policy.Mode: not StsMode.None } kept, Failure: var failure }:
                LogNotRenewed(kept.Domain.Ascii, Shown(kept.FetchedAt), Shown(kept.ExpiresAt), failure.ToString());
                break;
            case StsNews.Failed { Kept: null } failed:
                LogNotFetched(failed.Domain.Ascii, failed.Failure.ToString());
                break;
        }
    }

    /// <summary>Writes the file after each change, until it is stopped; what is unwritten then, is written then.</summary>
    public async Task RunAsync(StsPolicies policies, CancellationToken stop)
    {
        try
        {
            while (await _changes.Reader.WaitToReadAsync(stop))
            {
                _changes.Reader.TryRead(out _);
                if (!Save(policies))
                {
                    _changes.Writer.TryWrite(true);
                }

                await Task.Delay(s_pause, clock, stop);
            }
        }
        catch (OperationCanceledException)
        {
            if (_changes.Reader.TryRead(out _))
            {
                Save(policies);
            }
        }
    }

    /// <returns>False when the file cannot be written.</returns>
    public bool Save(StsPolicies policies)
    {
        try
        {
            file.Save(policies.Snapshot());
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFault(e);
            return false;
        }
    }

    static string Shown(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(2601, LogLevel.Information, "MTA-STS policy of {Domain}: {Mode}, id {Id}, hosts {Mx}; counts until {Until}")]
    partial void LogFetched(string domain, string mode, string id, string mx, string until);

    [LoggerMessage(2602, LogLevel.Warning, "The MTA-STS policy of {Domain} from {FetchedAt} could not be renewed, and counts until {Until}: {Failure}")]
    partial void LogNotRenewed(string domain, string fetchedAt, string until, string failure);

    [LoggerMessage(2603, LogLevel.Information, "{Domain} announces an MTA-STS policy that cannot be had: {Failure}")]
    partial void LogNotFetched(string domain, string failure);

    [LoggerMessage(2604, LogLevel.Warning, "MTA-STS policies cannot be kept over a restart")]
    partial void LogFault(Exception e);

    [LoggerMessage(2605, LogLevel.Warning, "{Lines} damaged lines in the file of MTA-STS policies were passed over; each costs one policy until it is fetched again")]
    partial void LogDamaged(int lines);
}
