namespace Hopseal.Audit.Tests;

/// <summary>Made once: finding a prime takes longer than every test together.</summary>
static class DhParameters
{
    public const string Of1024Bits =
        """
        -----BEGIN DH PARAMETERS-----
        MIGHAoGBAKPIxTvmF89n361zsA93v99O3WdoMGaoa9AZ+Pf1fhsAa2oh4L0UV2Vk
        tPKD7gJ/yvMgqUAQmPWT2sYYN5n92N0xsWhZG4YBa2PBTb2QWOo+KlKFqyDMPKc6
        fyO/F1UtvS6Pt47tvla1eDklG4ex6lb+qYaTis0HgHFEVGKKyVqHAgEC
        -----END DH PARAMETERS-----

        """;
}
