//! Functions of places on the earth.

use graph::ValueType::{Float, String};

use super::{Code, Function, Mapper, Param, Returns, Takes};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "geo_distance",
        alias: None,
        params: &[
            Param::required("lat1", Takes::Float),
            Param::required("lon1", Takes::Float),
            Param::required("lat2", Takes::Float),
            Param::required("lon2", Takes::Float),
        ],
        returns: Returns::Type(Float),
        summary: "The distance in kilometres between two places given in degrees, along the surface of a sphere with \
                  the earth's mean radius of 6371.0088 km (the haversine formula).",
        edges: "Off by up to 0.6 %, as the earth is no sphere. Missing if one of them is, NaN if one of them is.",
        example: "geo_distance(pickup_latitude, pickup_longitude, dropoff_latitude, pickup_longitude)",
        code: Code::Mapper(Mapper::GeoDistance),
    },
    Function {
        name: "geohash",
        alias: None,
        params: &[
            Param::required("lat", Takes::Float),
            Param::required("lon", Takes::Float),
            Param::optional("precision", Takes::LiteralInt { min: 1, max: 12 }, "6"),
        ],
        returns: Returns::Type(String),
        summary: "The geohash of a place in degrees: places that share a beginning are near one another. Six \
                  characters are a field of about 1.2 km by 0.6 km.",
        edges: "Missing where the latitude is not from -90 to 90 or the longitude not from -180 to 180, and if \
                either is missing.",
        example: "geohash(pickup_latitude, pickup_longitude, 5)",
        code: Code::Mapper(Mapper::Geohash),
    },
];
