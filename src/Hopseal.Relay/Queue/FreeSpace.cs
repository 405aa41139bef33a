using Microsoft.Extensions.Logging;

namespace Hopseal.Relay.Queue;

/// <summary>Whether the queue's disk has room for more mail. Some of it is kept free for the queue itself: on a full disk it
/// could not even be written down that a message was delivered, and so nothing would ever leave. For several threads.</summary>
public sealed partial class FreeSpace
{
    /// <summary>Between two looks. What arrives meanwhile comes out of the reserve.</summary>
    static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    readonly string _directory;
    readonly Func<long> _free;
    readonly long _reserve;
    readonly TimeProvider _clock;
    readonly ILogger _log;
    readonly Lock _looking = new();
    long _lookedAt;
    volatile bool _isEnough = true;

    /// <param name="reserve">Octets; 0 keeps nothing free.</param>
    public FreeSpace(string directory, long reserve, TimeProvider clock, ILogger<FreeSpace> log)
        : this(directory, FreeOf(directory), reserve, clock, log)
    {
    }

    internal FreeSpace(string directory, Func<long> free, long reserve, TimeProvider clock, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(clock);
        _directory = directory;
        _free = free;
        _reserve = reserve;
        _clock = clock;
        _log = log;
        if (reserve > 0)
        {
            Look();
        }
    }

    bool IsOld => _clock.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= s_interval;

    public bool IsEnough()
    {
        // Who comes while another one looks takes the last answer: a disk that answers slowly is not to be everybody's.
        if (_reserve > 0 && IsOld && _looking.TryEnter())
        {
            try
            {
                if (IsOld)
                {
                    Look();
                }
            }
            finally
            {
                _looking.Exit();
            }
        }

        return _isEnough;
    }

    static Func<long> FreeOf(string directory)
    {
        var disk = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Path.GetFullPath(directory))! : directory);
        return () => disk.AvailableFreeSpace;
    }

    void Look()
    {
        Volatile.Write(ref _lookedAt, _clock.GetTimestamp());
        try
        {
            Take(_free());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then the store's own word counts, when it is asked to keep the next message.
            LogUnknown(_log, e, _directory);
            _isEnough = true;
        }
    }

    void Take(long free)
    {
        var isEnough = free >= _reserve;
        if (isEnough == _isEnough)
        {
            return;
        }

        _isEnough = isEnough;
        if (isEnough)
        {
            LogEnough(_log, _directory, free);
        }
        else
        {
            LogTooLittle(_log, _directory, free, _reserve);
        }
    }

    [LoggerMessage(
        1241,
        LogLevel.Error,
        "The disk of {Directory} has {Free} bytes left, and Limits.FreeBytes keeps {Reserve} free: no mail is taken until there is more")]
    static partial void LogTooLittle(ILogger log, string directory, long free, long reserve);

    [LoggerMessage(1242, LogLevel.Information, "The disk of {Directory} has {Free} bytes left again: mail is taken")]
    static partial void LogEnough(ILogger log, string directory, long free);

    [LoggerMessage(1243, LogLevel.Warning, "How much space the disk of {Directory} has left cannot be found out")]
    static partial void LogUnknown(ILogger log, Exception e, string directory);
}
