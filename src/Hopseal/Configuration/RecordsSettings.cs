using Hopseal.Reports.Sessions;

namespace Hopseal.Configuration;

/// <summary>Section Records: how long single sessions and attempts are kept.</summary>
static class RecordsSettings
{
    public static RecordsOptions Read(Section section)
    {
        var usual = new RecordsOptions();
        var options = new RecordsOptions
        {
            Days = section.Find("Days")?.Whole(0, 3650) ?? usual.Days,
            MostSessions = section.Find("MaxSessions")?.Whole(1000L, 100_000_000) ?? usual.MostSessions,
        };
        section.Close();
        return options;
    }
}
